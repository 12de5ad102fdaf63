# The gateway's image: `docker build -t neo-gateway .`; with the demo model: `--target demo`.
# Each lists its Python packages (CycloneDX) in /usr/share/doc/neo-gateway/sbom.cdx.json.
# It runs without root, without capabilities and on a read-only file system; /tmp must be writable.

FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_PYTHON=/venv/bin/python \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv --without-pip /venv
COPY requirements.lock ./
RUN pip install --require-hashes --requirement requirements.lock
COPY pyproject.toml LICENSE ./
COPY app ./app
# Nobody runs the tests of numpy, scipy and scikit-learn in an image; they are a fifth of it.
RUN pip install --no-deps . && find /venv -type d -name tests -prune -exec rm -rf {} +

FROM build AS build-demo
COPY requirements-demo.lock ./
RUN pip install --require-hashes --requirement requirements-demo.lock \
    && find /venv -type d -name tests -prune -exec rm -rf {} +

# What is in an image is listed by a tool that isn't.
FROM python:3.12-slim AS listing
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /sbom
COPY requirements-sbom.lock pyproject.toml ./
RUN pip install --require-hashes --requirement requirements-sbom.lock

FROM listing AS sbom
COPY --from=build /venv /venv
RUN cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file sbom.cdx.json /venv

FROM listing AS sbom-demo
COPY --from=build-demo /venv /venv
RUN cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file sbom.cdx.json /venv

FROM python:3.12-slim AS runtime
# One thread for numpy: the workers are the parallelism.
ENV HOME=/tmp \
    MALLOC_ARENA_MAX=2 \
    OMP_NUM_THREADS=1 \
    PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN pip uninstall --yes --quiet --root-user-action=ignore pip \
    && install --directory --owner=10001 --group=10001 /references /quarantine
USER 10001:10001
EXPOSE 8080

FROM runtime AS demo
COPY --from=build-demo /venv /venv
COPY --from=sbom-demo /sbom/sbom.cdx.json /usr/share/doc/neo-gateway/sbom.cdx.json
CMD ["neo-gateway", "demo-model", "--host", "0.0.0.0", "--port", "8081"]

FROM runtime AS gateway
COPY --from=build /venv /venv
COPY --from=sbom /sbom/sbom.cdx.json /usr/share/doc/neo-gateway/sbom.cdx.json
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:8080/healthz', timeout=4)"]
CMD ["neo-gateway", "serve", "--host", "0.0.0.0", "--port", "8080", "--workers", "2"]
