# Publishes COUNT tasks with an event of BYTES each, waits until every result is stored, and prints the
# seconds from the first publish. COUNT and BYTES are its arguments.
import sys
import time

from sqlalchemy import create_engine, text

from tasks import app, nothing

count, size = int(sys.argv[1]), int(sys.argv[2])
event = "x" * size
engine = create_engine(app.conf.result_backend.removeprefix("db+"))


def stored():
    with engine.connect() as connection:
        return connection.execute(
            text("SELECT count(*) FROM celery_taskmeta WHERE status = 'SUCCESS'")
        ).scalar()


# The first one makes connections and tables.
nothing.delay(event).get(timeout=60)
before = stored()
start = time.monotonic()
with app.producer_or_acquire() as producer:
    for _ in range(count):
        nothing.apply_async((event,), producer=producer)
while stored() < before + count:
    time.sleep(0.02)
print(time.monotonic() - start)
