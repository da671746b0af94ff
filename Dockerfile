# Two images from one file:
#   serve   answers over REST; no tensorflow, no compiler, no pip       docker build --target serve .
#   train   fetches and trains as well                                 docker build --target train .
# Both run as an unprivileged user on a read-only root file system; what they write goes to the volume
# /var/lib/forecaster and to /tmp.

FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# The environment is made where it will run, since its scripts carry its path. Requirements come before the sources:
# a change of the sources reuses the layers above it.
RUN python -m venv --without-pip /opt/forecaster
COPY requirements/build.txt requirements/serve.txt requirements/
RUN pip install --quiet --require-hashes --requirement requirements/build.txt \
 && pip --python /opt/forecaster install --quiet --require-hashes --requirement requirements/serve.txt
COPY pyproject.toml README.md LICENSE ./
COPY data/ data/
COPY forecaster/ forecaster/
COPY service/ service/
RUN pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

FROM build AS build-serve
RUN pip --python /opt/forecaster install --quiet --no-deps dist/*.whl

FROM build AS build-train
COPY requirements/train.txt requirements/
RUN pip --python /opt/forecaster install --quiet --require-hashes --requirement requirements/train.txt \
 && pip --python /opt/forecaster install --quiet --no-deps dist/*.whl

FROM python:3.12-slim AS runtime
RUN useradd --system --uid 10001 --home-dir /var/lib/forecaster --create-home forecaster
ENV PATH=/opt/forecaster/bin:$PATH \
    FORECASTER_HOME=/var/lib/forecaster \
    MLFLOW_DISABLE_TELEMETRY=true \
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
