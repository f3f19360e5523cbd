#!/bin/sh
# Run once by the image of PostgreSQL, when the data folder is empty: the database, and a role that owns it alone.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres --dbname postgres \
    --set password="$(cat /run/secrets/postgres_pullwright)" <<'SQL'
CREATE ROLE pullwright LOGIN PASSWORD :'password';
CREATE DATABASE pullwright OWNER pullwright ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE pullwright FROM PUBLIC;
SQL
