-- A page of deals, each with its accepted handoffs by time of offer; a deal without any gives one row.
WITH page AS (
    SELECT d.part, d.group_id, d.rooftop, d.deal_id, d.subject
    FROM reporting.deal d
    WHERE NOT d.retracted
        AND d.group_id = $1
        AND ($2::text[] IS NULL OR d.rooftop = ANY ($2))
        AND (d.rooftop, d.deal_id) > ($3, $4)
    ORDER BY d.rooftop, d.deal_id
    LIMIT $5
)
SELECT
    page.rooftop AS "rooftop!",
    page.deal_id AS "deal_id!",
    page.subject AS "subject!",
    i.measure AS "measure?",
    i.round AS "round?",
    greatest(date_part('epoch', i.end_earliest - i.start_latest), 0) AS seconds
FROM page
LEFT JOIN reporting.interval i
    ON i.part = page.part
    AND i.group_id = page.group_id
    AND i.rooftop = page.rooftop
    AND i.deal_id = page.deal_id
    AND i.kind = 2
    AND i.state = 2
ORDER BY page.rooftop, page.deal_id, i.start_latest, i.interval_id
