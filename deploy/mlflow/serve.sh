#!/bin/sh
# The MLflow server on a database whose password lies in a file.
#
# DATABASE_PASSWORD_FILE names that file; everything else is `mlflow server`'s own, by its options or variables. The
# password is handed on by a file, too, which libpq takes only where nobody else may read it, as a mounted secret often
# may be: neither the environment nor the command line shows it.
set -eu
: "${DATABASE_PASSWORD_FILE:?names the file with the password of the database}"
: "${PGPASSFILE:?names the file to write for libpq; a place in memory}"
umask 077
# Colons and backslashes are that file's own signs.
sed -e '1!d' -e 's/[\\:]/\\&/g' -e 's/^/*:*:*:*:/' "$DATABASE_PASSWORD_FILE" >"$PGPASSFILE"
exec mlflow server "$@"
