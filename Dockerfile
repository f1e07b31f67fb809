# The service in one image: API, worker and page, as user 10001, with all it keeps under /data.
#
#   docker build -t packmule . && docker run -p 127.0.0.1:8000:8000 -v packmule:/data packmule
#
# Any base will do that has apt, Python 3.11 or newer, and its venv. Nothing here needs BuildKit.
# How it is run, upgraded and fenced in: docs/docker.md. Why so: docs/decisions/0026-container.md.
# The workflow `base` pins it by digest, and keeps it up to date.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
# The release, in whatever build of it the base's Debian has.
ARG TINI=0.19.0-*
RUN apt-get -qq update \
    && apt-get -qq install --yes --no-install-recommends "tini=${TINI}"
WORKDIR /build
# `--build-arg EXTRAS=otel` brings traces (docs/operations.md).
ARG EXTRAS=
COPY requirements/run.lock requirements/otel.lock requirements/
# Wheels only: the image needs no compiler, and what is installed is what the lock has hashed.
RUN python3 -m venv tools \
    && tools/bin/pip download --quiet --require-hashes --only-binary :all: \
        --dest wheels --requirement "requirements/${EXTRAS:-run}.lock" \
    && PIP_NO_INDEX=1 PIP_FIND_LINKS=wheels tools/bin/pip install --quiet hatchling
COPY pyproject.toml README.md LICENSE ./
COPY src src
# A venv without pip, with what the program imports and not with what builds it.
RUN PIP_NO_INDEX=1 tools/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir wheels . \
    && python3 -m venv --without-pip /opt/packmule \
    && PIP_NO_INDEX=1 PIP_FIND_LINKS=wheels tools/bin/pip --python /opt/packmule/bin/python \
        install --quiet --no-compile "packmule[server,s3,postgres${EXTRAS:+,$EXTRAS}]" \
    && /opt/packmule/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/packmule/lib \
    && install -d -m 0750 -o 10001 -g 10001 /build/data
COPY docker/healthcheck.py /opt/packmule/

FROM ${BASE}
ARG BASE
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Packmule" \
      org.opencontainers.image.description="Turns a list of public links into one ZIP archive, in the background" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"
# The static one: it is right whatever the base.
COPY --from=build /usr/bin/tini-static /usr/bin/tini
COPY --from=build /opt/packmule /opt/packmule
COPY --from=build --chown=10001:10001 /build/data /data
ENV PATH="/opt/packmule/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    PACKMULE_HOST=0.0.0.0 \
    PACKMULE_DATA_DIR=/data
WORKDIR /data
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["/opt/packmule/bin/python", "-I", "/opt/packmule/healthcheck.py"]
ENTRYPOINT ["/usr/bin/tini", "--", "packmule"]
CMD ["serve"]
