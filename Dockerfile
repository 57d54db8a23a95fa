# docker build -t voicebot . && docker run --network host -v voicebot-data:/data voicebot
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY voicebot ./voicebot
RUN python -m venv /opt/voicebot && /opt/voicebot/bin/pip install --no-cache-dir '.[vosk]'

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /srv/voicebot --create-home voicebot \
 && mkdir /data && chown voicebot:voicebot /data
COPY --from=build /opt/voicebot /opt/voicebot
WORKDIR /srv/voicebot
COPY --chown=voicebot:voicebot config.yaml ./
COPY --chown=voicebot:voicebot dialplans ./dialplans
COPY --chown=voicebot:voicebot prompts ./prompts
COPY --chown=voicebot:voicebot models ./models
ENV PATH=/opt/voicebot/bin:$PATH PYTHONUNBUFFERED=1
USER voicebot
VOLUME /data
# RTP needs its port range reachable: run with --network host, or publish media.ports.
EXPOSE 5060/udp 5060/tcp
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["voicebot", "ping", "sip:127.0.0.1:5060"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["voicebot"]
CMD ["serve", "--config", "config.yaml", "--data", "/data"]
