# One image for every process of an installation; docker-compose.yml says which of them a container runs.
FROM node:22-slim AS snippet
WORKDIR /build
COPY js/package.json js/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY js/ ./
RUN npm run build

FROM python:3.12-slim AS wheel
WORKDIR /build
COPY pyproject.toml README.md LICENSE requirements.lock ./
RUN pip install --no-cache-dir --prefix /installed --requirement requirements.lock
COPY event_catalogue/ event_catalogue/
COPY spool/ spool/
COPY control_store/ control_store/
COPY warehouse/ warehouse/
COPY collector/ collector/
COPY loader/ loader/
COPY aggregator/ aggregator/
COPY retention/ retention/
COPY console/ console/
COPY footfall/ footfall/
COPY --from=snippet /build/dist/default.js /build/dist/manifest.json collector/static/snippet/
RUN pip install --no-cache-dir --prefix /installed --no-deps .

FROM python:3.12-slim
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
COPY --from=wheel /installed /usr/local
# A volume that is mounted here for the first time takes over this owner.
RUN useradd --uid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin footfall \
    && install --directory --owner footfall --group footfall --mode 700 /data
USER 10001:10001
ENV FOOTFALL_DATA=/data
VOLUME /data
EXPOSE 8420 8421
CMD ["footfall", "serve", "--collector", "0.0.0.0:8420", "--console", "0.0.0.0:8421"]
