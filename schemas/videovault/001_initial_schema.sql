-- videovault: a library of video files, their tags, and what was watched.

CREATE FUNCTION set_updated_at() RETURNS trigger
  LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;

CREATE TABLE videos (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  -- A B-tree entry holds 2704 bytes at most; Linux paths may be longer.
  file_path text NOT NULL CONSTRAINT videos_file_path_key UNIQUE CHECK (octet_length(file_path) BETWEEN 1 AND 2000),
  file_name text NOT NULL CHECK (file_name <> ''),
  file_size bigint NOT NULL CHECK (file_size >= 0),
  mime_type text NOT NULL,
  -- NULL until the file has been examined.
  duration_seconds integer CHECK (duration_seconds >= 0),
  metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  -- Not unique: the same film may lie in two folders. NULL until it is computed.
  hash text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_videos_hash ON videos (hash) WHERE hash IS NOT NULL;
CREATE INDEX idx_videos_created_at ON videos (created_at DESC);

CREATE TRIGGER videos_set_updated_at BEFORE UPDATE ON videos
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE tags (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  video_id uuid NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
  tag_name text NOT NULL CHECK (length(tag_name) BETWEEN 1 AND 200),
  tag_category text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT tags_video_tag_key UNIQUE (video_id, tag_name)
);

CREATE INDEX idx_tags_name ON tags (tag_name);

CREATE TABLE watch_history (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  video_id uuid NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
  position_seconds integer NOT NULL DEFAULT 0 CHECK (position_seconds >= 0),
  completed boolean NOT NULL DEFAULT false,
  watched_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_watch_history_video ON watch_history (video_id, watched_at DESC);
CREATE INDEX idx_watch_history_watched_at ON watch_history (watched_at DESC);
