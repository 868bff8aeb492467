-- backend: conversations. A user owns threads; a thread holds messages, and the runs that answer them.
-- Analytics events go to ClickHouse, cache and locks to Redis: neither has a table here.

CREATE FUNCTION set_updated_at() RETURNS trigger
  LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  -- The person's id in accounts' database. No foreign key can reach across compartments: accounts says over HTTP who is gone.
  account_id uuid NOT NULL CONSTRAINT users_account_id_key UNIQUE,
  display_name text NOT NULL DEFAULT '',
  settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER users_set_updated_at BEFORE UPDATE ON users
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE threads (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  title text NOT NULL DEFAULT '',
  metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  archived_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_threads_user ON threads (user_id, updated_at DESC);

CREATE TRIGGER threads_set_updated_at BEFORE UPDATE ON threads
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE runs (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  thread_id uuid NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
  status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  model text NOT NULL CHECK (model <> ''),
  error text,
  input_tokens integer CHECK (input_tokens >= 0),
  output_tokens integer CHECK (output_tokens >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  completed_at timestamptz,
  CHECK (completed_at IS NULL OR status IN ('succeeded', 'failed', 'cancelled')),
  CHECK (status <> 'failed' OR error IS NOT NULL)
);

CREATE INDEX idx_runs_thread ON runs (thread_id, created_at DESC);
CREATE INDEX idx_runs_open ON runs (created_at) WHERE status IN ('queued', 'running');
-- One run at a time in a thread: two workers that take it up at once do not both answer.
CREATE UNIQUE INDEX idx_runs_thread_running ON runs (thread_id) WHERE status = 'running';

CREATE TABLE messages (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  thread_id uuid NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
  -- The run that wrote it; NULL for what the user wrote.
  run_id uuid REFERENCES runs (id) ON DELETE SET NULL,
  role text NOT NULL CHECK (role IN ('user', 'assistant', 'system', 'tool')),
  content text NOT NULL,
  metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_messages_thread ON messages (thread_id, created_at);
CREATE INDEX idx_messages_run ON messages (run_id);
