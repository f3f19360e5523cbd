# What a team would write with Celery: a task that does nothing with an event, acknowledged when it is
# done, its result kept in PostgreSQL. BROKER and RESULTS come from the environment.
import os

from celery import Celery

app = Celery("tasks", broker=os.environ["BROKER"], backend=os.environ["RESULTS"])
app.conf.task_acks_late = True


@app.task(name="nothing")
def nothing(event):
    return None
