import time

import requests

response = requests.post(
    "http://localhost:4000/api/customer-imports",
    json={"customers": [{"id": "45", "customername": "Edsger Dijkstra"}]},
    headers={"Idempotency-Key": '"import-45"'},
)
response.raise_for_status()
location = response.headers["Location"]
while response.status_code == 202:
    time.sleep(int(response.headers["Retry-After"]))
    response = requests.get(location)
# The result of a job that succeeded; otherwise a problem that says why it did not.
print(response.json())
