-- l2p: quiz games that players join through a lobby.
-- The keys of users are named like the indexes that queries were written for; a second index on the same column would only cost.

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  username text NOT NULL CONSTRAINT idx_users_username UNIQUE CHECK (length(username) BETWEEN 1 AND 64),
  -- Kept in lower case, so that one mailbox is one account.
  email text NOT NULL CONSTRAINT idx_users_email UNIQUE CHECK (email = lower(email) AND email LIKE '%_@_%' AND length(email) <= 320),
  password_hash text NOT NULL,
  rating integer NOT NULL DEFAULT 1000 CHECK (rating >= 0),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE lobbies (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  creator_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  max_players integer NOT NULL DEFAULT 8 CHECK (max_players BETWEEN 1 AND 100),
  status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'in_game', 'closed')),
  settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_lobbies_status ON lobbies (status);
CREATE INDEX idx_lobbies_creator ON lobbies (creator_id);

CREATE TABLE lobby_players (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  lobby_id uuid NOT NULL REFERENCES lobbies (id) ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  is_ready boolean NOT NULL DEFAULT false,
  joined_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT lobby_players_lobby_user_key UNIQUE (lobby_id, user_id)
);

CREATE INDEX idx_lobby_players_user ON lobby_players (user_id);

CREATE TABLE games (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  lobby_id uuid NOT NULL REFERENCES lobbies (id) ON DELETE CASCADE,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'finished', 'cancelled')),
  current_question integer NOT NULL DEFAULT 0 CHECK (current_question >= 0),
  started_at timestamptz,
  ended_at timestamptz,
  CHECK (ended_at IS NULL OR started_at IS NULL OR ended_at >= started_at)
);

CREATE INDEX idx_games_lobby ON games (lobby_id);
CREATE INDEX idx_games_status ON games (status);

CREATE TABLE game_participants (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  game_id uuid NOT NULL REFERENCES games (id) ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  score integer NOT NULL DEFAULT 0,
  correct_answers integer NOT NULL DEFAULT 0 CHECK (correct_answers >= 0),
  CONSTRAINT game_participants_game_user_key UNIQUE (game_id, user_id)
);

CREATE INDEX idx_game_participants_user ON game_participants (user_id);

CREATE TABLE questions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  game_id uuid NOT NULL REFERENCES games (id) ON DELETE CASCADE,
  question_text text NOT NULL CHECK (question_text <> ''),
  options jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(options) = 'array'),
  correct_answer text NOT NULL,
  points integer NOT NULL DEFAULT 1 CHECK (points >= 0),
  order_index integer NOT NULL CHECK (order_index >= 0),
  CONSTRAINT questions_game_order_key UNIQUE (game_id, order_index)
);

CREATE TABLE answers (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  participant_id uuid NOT NULL REFERENCES game_participants (id) ON DELETE CASCADE,
  question_id uuid NOT NULL REFERENCES questions (id) ON DELETE CASCADE,
  answer text NOT NULL,
  is_correct boolean NOT NULL,
  time_taken_ms integer NOT NULL CHECK (time_taken_ms >= 0),
  submitted_at timestamptz NOT NULL DEFAULT now(),
  -- One answer a question: a request that is sent twice counts once. Its index serves look-ups by participant too.
  CONSTRAINT idx_answers_participant UNIQUE (participant_id, question_id)
);

CREATE INDEX idx_answers_question ON answers (question_id);
