# Built from the locks alone; runs as a user without rights, on a read-only root:
#   docker run --read-only --tmpfs /tmp -v tsunagi-data:/data -v tsunagi-keys:/keys \
#     -e TSUNAGI_HOSTS=tsunagi.city.example -p 127.0.0.1:8000:8000 tsunagi
# TSUNAGI_HOSTS are the names that people open it by; TLS ends in front of it.
# BASE may be any image with Python 3.11 or newer and pip, for networks without the public one.
ARG BASE=python:3.12-slim

FROM ${BASE} AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/ requirements/
RUN python -m venv /opt/tsunagi \
 && /opt/tsunagi/bin/pip install --require-hashes -r requirements/run.txt \
 && python -m venv /opt/build \
 && /opt/build/bin/pip install --require-hashes -r requirements/build.txt
COPY . .
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /dist . \
 && /opt/tsunagi/bin/pip install --no-deps --no-index /dist/*.whl \
 && /opt/tsunagi/bin/python -m compileall -q /opt/tsunagi/lib

FROM ${BASE}
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin tsunagi \
 && install -d -o tsunagi -g tsunagi -m 0700 /data /keys /notary
COPY --from=build /opt/tsunagi /opt/tsunagi
ENV PATH=/opt/tsunagi/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    TSUNAGI_DATA=/data TSUNAGI_KEYS=/keys TSUNAGI_NOTARY=/notary TSUNAGI_HOST=0.0.0.0 TSUNAGI_PORT=8000
USER tsunagi
WORKDIR /data
VOLUME ["/data", "/keys", "/notary"]
EXPOSE 8000
# The service answers only to its own names, so the check asks by the first of them.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s --retries=3 \
 CMD ["python", "-c", "import os, urllib.request as r; p = os.environ['TSUNAGI_PORT']; h = os.environ.get('TSUNAGI_HOSTS', '').split(',')[0].strip() or 'localhost:' + p; r.urlopen(r.Request('http://127.0.0.1:' + p + '/api/health', headers={'Host': h}), timeout=4)"]
ENTRYPOINT ["tsunagi"]
CMD ["serve"]
