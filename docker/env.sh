#!/bin/sh
# Writes .env: .env.example with a fresh secret for every empty setting. Never touches an .env that is there: its
# passwords live on in the databases' volumes.
set -eu
cd "$(dirname "$0")/.."

fail() { echo "error: $*" >&2; exit 1; }

hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

secret() {
    case $1 in
        AIRFLOW_ADMIN_PASSWORD) hex 8 ;;
        AIRFLOW_FERNET_KEY) head -c 32 /dev/urandom | base64 | tr '+/' '-_' ;;
        GRETEL_API_KEY) echo "grtu$(hex 24)" ;; # gretel-client takes no key that does not begin with grt
        S3_ACCESS_KEY) echo "AKIA$(hex 8 | tr '[:lower:]' '[:upper:]')" ;;
        *) hex 32 ;;
    esac
}

[ ! -e .env ] || fail ".env exists and is left as it is. Edit it, or move it away (with the volumes that its passwords open)."

umask 077
new=.env.new.$$
trap 'rm -f "$new"' EXIT
generated=
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
        \#*) ;;
        *=)
            generated="$generated ${line%=}"
            line=$line$(secret "${line%=}")
            ;;
    esac
    printf '%s\n' "$line"
done <.env.example >"$new"
set -C # from here on, `>` refuses a file that has appeared meanwhile
cat "$new" >.env

echo "wrote .env (readable by you alone), generated:$generated"
