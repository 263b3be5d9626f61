-- One row a chat. chatkit fills in :as_of from query.as_of in params.yaml, or the end of all time where that is null, and
-- leaves out, with a count, the chats that have no category or no text.
-- Your own warehouse may call things otherwise: rename with AS. id, subject, body and category are needed;
-- conversation_id, customer_id, created_at and split are used when they are there.
SELECT
    id,
    conversation_id,
    customer_id,
    created_at,
    subject,
    body,
    category,
    split
FROM chats
WHERE created_at < :as_of OR created_at IS NULL
ORDER BY id
