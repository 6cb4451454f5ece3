# Images of this project: `airflow`, `demo` (fills the demo's services), `redshift` and `gretel`. How they are built, run
# and upgraded: docs/containers.md. Tags, not digests: see there.
ARG PYTHON_IMAGE=python:3.13.16-slim-trixie


# Airflow's packages, exactly as locked; only this stage has a compiler.
FROM ${PYTHON_IMAGE} AS airflow-build
ENV PATH=/opt/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Versions of Debian packages are those of the release: a pinned one disappears with the next security update.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev libmariadb-dev pkg-config \
    && rm -rf /var/lib/apt/lists/* \
    && python -m venv /opt/venv
COPY docker/requirements-build.txt docker/requirements-airflow.txt /tmp/
# mysqlclient exists as source only. Without build isolation it is built with the locked, hash-checked setuptools
# instead of one that pip would fetch unchecked.
RUN pip install --require-hashes --no-deps -r /tmp/requirements-build.txt \
    && pip install --require-hashes --no-deps --no-build-isolation -r /tmp/requirements-airflow.txt \
    && pip check
COPY pyproject.toml README.md LICENSE /opt/airflow/
COPY plugins /opt/airflow/plugins
# Editable: Airflow finds the entry point, and the code has one place, which a volume may replace for development.
RUN pip install --no-deps --no-build-isolation --editable /opt/airflow


FROM ${PYTHON_IMAGE} AS airflow
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends curl libmariadb3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 50000 --create-home --home-dir /var/lib/airflow airflow \
    && install -d -o airflow -g airflow /var/lib/airflow/logs
COPY --from=airflow-build /opt/venv /opt/venv
WORKDIR /opt/airflow
COPY plugins plugins
COPY sql sql
COPY dags dags
ENV PATH=/opt/venv/bin:$PATH \
    AIRFLOW_HOME=/var/lib/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/airflow/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/airflow/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False
USER 50000
CMD ["airflow", "version"]


# Bucket, project and source data: what production already has and the demo still needs.
FROM airflow AS demo
COPY local/__init__.py local/
COPY local/airbnb local/airbnb
COPY local/nps local/nps
COPY docker/bucket-lifecycle.json docker/init_bookings.py docker/init_gretel.py docker/init_nps.py \
    docker/init_redshift.py docker/init_s3.py docker/
ENV PYTHONPATH=/opt/airflow


# The demo's warehouse; its packages are among Airflow's.
FROM airflow AS redshift
COPY services/__init__.py services/
COPY services/redshift services/redshift
EXPOSE 5439
CMD ["python", "-m", "services.redshift", "--host", "0.0.0.0", "--port", "5439"]


FROM ${PYTHON_IMAGE} AS gretel-build
ENV PATH=/opt/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY docker/requirements-gretel.txt /tmp/
RUN python -m venv /opt/venv \
    && pip install --require-hashes --no-deps -r /tmp/requirements-gretel.txt \
    && pip check


FROM ${PYTHON_IMAGE} AS gretel
RUN useradd --uid 50001 --create-home --home-dir /var/lib/gretel gretel \
    && chmod 0700 /var/lib/gretel
COPY --from=gretel-build /opt/venv /opt/venv
WORKDIR /opt/gretel
COPY services/__init__.py services/
COPY services/gretel services/gretel
ENV PATH=/opt/venv/bin:$PATH
USER 50001
EXPOSE 8100
CMD ["python", "-m", "services.gretel", "serve", "--host", "0.0.0.0", "--port", "8100", "--data-dir", "/var/lib/gretel"]
