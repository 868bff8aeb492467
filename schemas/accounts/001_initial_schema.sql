-- accounts: the identity service; who is logged in, with which tokens, and which of them were called back.

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
  -- NULL for a person who only ever logs in through another identity provider.
  password_hash text,
  display_name text NOT NULL DEFAULT '',
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'deleted')),
  email_verified boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER users_set_updated_at BEFORE UPDATE ON users
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  user_agent text,
  ip_address inet,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_seen_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  CHECK (expires_at > created_at)
);

CREATE INDEX idx_sessions_user ON sessions (user_id);
CREATE INDEX idx_sessions_expires_at ON sessions (expires_at);

CREATE TABLE refresh_tokens (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  -- SHA-256 in hex: the token itself is stored nowhere.
  token_hash text NOT NULL CONSTRAINT refresh_tokens_token_hash_key UNIQUE CHECK (token_hash ~ '^[0-9a-f]{64}$'),
  -- The token that it was exchanged for. Seeing an exchanged token again means that it was stolen: the whole session is revoked.
  replaced_by_id uuid REFERENCES refresh_tokens (id) ON DELETE SET NULL,
  issued_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  revoked_reason text CHECK (revoked_reason IN ('rotated', 'logout', 'reuse_detected', 'admin')),
  CHECK (expires_at > issued_at),
  CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL)),
  CHECK (replaced_by_id <> id)
);

CREATE INDEX idx_refresh_tokens_session ON refresh_tokens (session_id);
CREATE INDEX idx_refresh_tokens_replaced_by ON refresh_tokens (replaced_by_id);
CREATE INDEX idx_refresh_tokens_expires_at ON refresh_tokens (expires_at);
-- One living token a session.
CREATE UNIQUE INDEX idx_refresh_tokens_live ON refresh_tokens (session_id) WHERE revoked_at IS NULL;

-- Access tokens (JWT) carry their own proof and are not stored; those that must not be believed any more are, by their jti, until they expire.
CREATE TABLE revoked_access_tokens (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  jti uuid NOT NULL CONSTRAINT revoked_access_tokens_jti_key UNIQUE,
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  revoked_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);

CREATE INDEX idx_revoked_access_tokens_user ON revoked_access_tokens (user_id);
CREATE INDEX idx_revoked_access_tokens_expires_at ON revoked_access_tokens (expires_at);
