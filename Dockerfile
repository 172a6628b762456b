# The server and what it needs to run, with nothing of what built it. How a host starts it, and what is to be kept:
# docs/how-to/run-in-a-container.md.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
COPY . /source
RUN python -m venv --without-pip /opt/pos-workflow \
    && pip --python /opt/pos-workflow/bin/python install --no-cache-dir /source

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="pos-workflow" \
      org.opencontainers.image.description="Leads AI coding assistants through workflows phase by phase." \
      org.opencontainers.image.licenses="MIT" \
      io.modelcontextprotocol.server.name="io.github.pos-workflow/pos-workflow"
COPY --from=build /opt/pos-workflow /opt/pos-workflow
# Only the program is on the path: the python of a gate's check is the image's, as in an image that is made from this.
# Whoever --user names can write to the volume; what the server makes there is private to that user.
RUN ln -s /opt/pos-workflow/bin/pos-workflow /usr/local/bin/ \
    && useradd --uid 1000 --create-home worker \
    && mkdir /project \
    && install --directory --mode=1777 /state
# Key, anchors and trust beside the sessions: with a new key every session would be foreign.
ENV POS_WORKFLOW_PROJECT=/project \
    POS_WORKFLOW_STATE_DIR=/state/sessions \
    POS_WORKFLOW_USER_DIR=/state/user
VOLUME ["/state"]
WORKDIR /project
USER 1000:1000
ENTRYPOINT ["pos-workflow"]
