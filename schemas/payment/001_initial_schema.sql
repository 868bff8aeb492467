-- payment: orders, and the Stripe payments that settle them.
-- Nothing that money has touched is deleted by a cascade: users with orders and orders with payments stay.

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
  -- Kept in lower case, so that one mailbox is one customer.
  email text NOT NULL CONSTRAINT users_email_key UNIQUE CHECK (email = lower(email) AND email LIKE '%_@_%' AND length(email) <= 320),
  name text,
  -- NULL until the customer is made at Stripe.
  stripe_customer_id text CONSTRAINT users_stripe_customer_id_key UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE orders (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE RESTRICT,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'paid', 'fulfilled', 'cancelled', 'refunded')),
  total_amount numeric(12, 2) NOT NULL CHECK (total_amount >= 0),
  -- ISO 4217, in capitals (Stripe writes them small).
  currency text NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_orders_user ON orders (user_id, created_at DESC);
CREATE INDEX idx_orders_open ON orders (created_at) WHERE status IN ('pending', 'paid');

CREATE TRIGGER orders_set_updated_at BEFORE UPDATE ON orders
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE order_items (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  order_id uuid NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
  product_name text NOT NULL CHECK (product_name <> ''),
  quantity integer NOT NULL CHECK (quantity > 0),
  unit_price numeric(12, 2) NOT NULL CHECK (unit_price >= 0),
  total_price numeric(12, 2) NOT NULL,
  CONSTRAINT order_items_total_price_check CHECK (total_price = quantity * unit_price)
);

CREATE INDEX idx_order_items_order ON order_items (order_id);

CREATE TABLE payments (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  -- One payment an order: a second attempt goes on with the same row.
  order_id uuid NOT NULL CONSTRAINT payments_order_id_key UNIQUE REFERENCES orders (id) ON DELETE RESTRICT,
  -- NULL until the intent is made at Stripe.
  stripe_payment_intent_id text CONSTRAINT payments_stripe_payment_intent_id_key UNIQUE,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'succeeded', 'failed', 'cancelled', 'refunded')),
  amount numeric(12, 2) NOT NULL CHECK (amount >= 0),
  currency text NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
  payment_method text,
  paid_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT payments_paid_at_check CHECK (status <> 'succeeded' OR paid_at IS NOT NULL)
);

CREATE INDEX idx_payments_open ON payments (created_at) WHERE status IN ('pending', 'processing');

-- Stripe sends an event again until it is answered, and now and then twice. The handler's first statement, in the transaction of its work, is
--   INSERT INTO webhook_events (stripe_event_id, ...) VALUES (...) ON CONFLICT (stripe_event_id) DO NOTHING
-- and no row inserted means that the event was handled before.
CREATE TABLE webhook_events (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  stripe_event_id text NOT NULL CONSTRAINT webhook_events_stripe_event_id_key UNIQUE CHECK (stripe_event_id <> ''),
  event_type text NOT NULL CHECK (event_type <> ''),
  payload jsonb NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  processed_at timestamptz
);

CREATE INDEX idx_webhook_events_unprocessed ON webhook_events (received_at) WHERE processed_at IS NULL;
