-- auth: who a person is, and how they log in.

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
  -- Kept in lower case, so that one mailbox is one account and a plain comparison finds it by the unique index.
  email text NOT NULL CONSTRAINT users_email_key UNIQUE CHECK (email = lower(email) AND email LIKE '%_@_%' AND length(email) <= 320),
  -- NULL for a person who only ever logs in through an OAuth provider.
  password_hash text,
  username text NOT NULL CONSTRAINT users_username_key UNIQUE CHECK (length(username) BETWEEN 1 AND 64),
  email_verified boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER users_set_updated_at BEFORE UPDATE ON users
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- A hash of the token is enough to find it, and is of no use to a thief.
  refresh_token text NOT NULL CONSTRAINT sessions_refresh_token_key UNIQUE,
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (expires_at > created_at)
);

CREATE INDEX idx_sessions_user ON sessions (user_id);
CREATE INDEX idx_sessions_expires_at ON sessions (expires_at);

CREATE TABLE oauth_accounts (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  provider text NOT NULL CHECK (provider = lower(provider) AND provider <> ''),
  provider_account_id text NOT NULL CHECK (provider_account_id <> ''),
  access_token text,
  -- NULL for tokens that do not expire.
  expires_at timestamptz,
  CONSTRAINT oauth_accounts_provider_account_key UNIQUE (provider, provider_account_id)
);

CREATE INDEX idx_oauth_accounts_user ON oauth_accounts (user_id);
CREATE INDEX idx_oauth_accounts_expires_at ON oauth_accounts (expires_at) WHERE expires_at IS NOT NULL;
