location=$(curl -sS -o /dev/null -w '%header{location}' http://localhost:4000/api/customer-imports \
  -H 'content-type: application/json' -H 'idempotency-key: "import-45"' \
  -d '{"customers": [{"id": "45", "customername": "Edsger Dijkstra"}]}')
# Replies when the job is done, or with 202 at most 30 seconds later.
while [ "$(curl -sS -o /dev/null -w '%{http_code}' -H 'prefer: wait=30' "$location")" = 202 ]; do sleep 1; done
curl -sSL "$location"
