-- apihub: a catalog of APIs, and the people and tokens that may call them.

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
  -- Kept in lower case, so that one mailbox is one account.
  email text NOT NULL CONSTRAINT users_email_key UNIQUE CHECK (email = lower(email) AND email LIKE '%_@_%' AND length(email) <= 320),
  name text,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER users_set_updated_at BEFORE UPDATE ON users
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE apis (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  -- An API outlives the person who entered it.
  owner_id uuid REFERENCES users (id) ON DELETE SET NULL,
  name text NOT NULL CONSTRAINT apis_name_key UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
  base_url text NOT NULL CHECK (base_url ~ '^https?://'),
  description text NOT NULL DEFAULT '',
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('draft', 'active', 'deprecated', 'retired')),
  rate_limit_per_minute integer CHECK (rate_limit_per_minute > 0),
  metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_apis_owner ON apis (owner_id);
CREATE INDEX idx_apis_status ON apis (status);

CREATE TRIGGER apis_set_updated_at BEFORE UPDATE ON apis
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE tokens (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- NULL for a token that is good for every API of its user.
  api_id uuid REFERENCES apis (id) ON DELETE CASCADE,
  -- SHA-256 in hex: the token itself is shown once, and stored nowhere.
  token_hash text NOT NULL CONSTRAINT tokens_token_hash_key UNIQUE CHECK (token_hash ~ '^[0-9a-f]{64}$'),
  scopes text[] NOT NULL DEFAULT '{}',
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_tokens_user ON tokens (user_id);
CREATE INDEX idx_tokens_api ON tokens (api_id);
CREATE INDEX idx_tokens_expires_at ON tokens (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE otps (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  purpose text NOT NULL CHECK (purpose IN ('login', 'verify_email', 'reset_password')),
  code_hash text NOT NULL,
  -- Six digits are soon guessed: the application refuses the code after the fifth wrong one.
  attempts integer NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 5),
  expires_at timestamptz NOT NULL,
  consumed_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (expires_at > created_at)
);

CREATE INDEX idx_otps_user ON otps (user_id, purpose);
CREATE INDEX idx_otps_expires_at ON otps (expires_at);
