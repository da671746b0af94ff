# Three images from one file:
#   serve    answers over REST; no tensorflow, no compiler, no pip      docker build --target serve .
#   train    fetches, trains and runs the schedule as well             docker build --target train .
#   mlflow   the registry's server, on PostgreSQL                      docker build --target mlflow .
# All run as an unprivileged user on a read-only root file system; what they write goes to their volume, which is
# /var/lib/forecaster or /var/lib/mlflow, and to /tmp.

FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# The environment is made where it will run, since its scripts carry its path. What it requires comes before the sources,
# which have a stage of their own: a change of them installs nothing else anew.
RUN python -m venv --without-pip /opt/forecaster
COPY requirements/build.txt requirements/serve.txt requirements/
RUN pip install --quiet --require-hashes --requirement requirements/build.txt \
 && pip --python /opt/forecaster install --quiet --require-hashes --requirement requirements/serve.txt

FROM build AS wheel
COPY pyproject.toml README.md LICENSE ./
COPY data/ data/
COPY forecaster/ forecaster/
COPY service/ service/
RUN pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

FROM build AS build-serve
COPY --from=wheel /build/dist dist
RUN pip --python /opt/forecaster install --quiet --no-deps dist/*.whl

FROM build AS build-train
COPY requirements/train.txt requirements/
RUN pip --python /opt/forecaster install --quiet --require-hashes --requirement requirements/train.txt
COPY --from=wheel /build/dist dist
RUN pip --python /opt/forecaster install --quiet --no-deps dist/*.whl

# MLflow's server wants older releases of some packages than the program does, so that it has an environment of its own.
FROM python:3.12-slim AS build-mlflow
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv --without-pip /opt/mlflow
COPY requirements/mlflow.txt requirements/
RUN pip --python /opt/mlflow install --quiet --require-hashes --requirement requirements/mlflow.txt

FROM python:3.12-slim AS mlflow
RUN useradd --system --uid 10002 --home-dir /var/lib/mlflow --create-home mlflow
ENV PATH=/opt/mlflow/bin:$PATH \
    PGPASSFILE=/tmp/pgpass \
    MLFLOW_HOST=0.0.0.0 \
    MLFLOW_PORT=5000 \
    MLFLOW_ARTIFACTS_DESTINATION=/var/lib/mlflow/artifacts \
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
    MLFLOW_DISABLE_TELEMETRY=true \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
COPY --from=build-mlflow /opt/mlflow /opt/mlflow
COPY --chmod=0755 deploy/mlflow/serve.sh /usr/local/bin/mlflow-serve
WORKDIR /var/lib/mlflow
VOLUME /var/lib/mlflow
USER 10002
EXPOSE 5000
STOPSIGNAL SIGTERM
# Its first start makes the tables; where processors are busy, any start takes minutes.
HEALTHCHECK --interval=15s --timeout=5s --start-period=300s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:5000/health', timeout=4)"]
ENTRYPOINT ["mlflow-serve"]

FROM python:3.12-slim AS runtime
RUN useradd --system --uid 10001 --home-dir /var/lib/forecaster --create-home forecaster
ENV PATH=/opt/forecaster/bin:$PATH \
    FORECASTER_HOME=/var/lib/forecaster \
    MLFLOW_DISABLE_TELEMETRY=true \
    ORT_DISABLE_TELEMETRY=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/lib/forecaster
VOLUME /var/lib/forecaster
USER 10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["forecaster"]

FROM runtime AS train
COPY --from=build-train /opt/forecaster /opt/forecaster
CMD ["train"]

FROM runtime AS serve
COPY --from=build-serve /opt/forecaster /opt/forecaster
EXPOSE 8000
# Alive is enough: a service that has no model yet says so by /health/ready, and a restart would not help it.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('FORECASTER_PORT', '8000') + '/health/live', timeout=4)"]
CMD ["serve", "--host", "0.0.0.0"]
