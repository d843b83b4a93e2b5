# The pair in an image that holds one static program and nothing else: no shell, no libraries, no user but its own.
# Where no base image can be had, scripts/image.sh builds the same image from the stage `FROM scratch` on.
#
#   docker build --tag localhost/ilslab:dev .
ARG RUST_IMAGE=rust:1-slim

FROM ${RUST_IMAGE} AS build
WORKDIR /source
COPY . .
RUN scripts/image.sh --stage /image

FROM scratch
COPY --from=build /image/bin/ /usr/bin/
COPY --from=build --chown=65532:65532 /image/state/ /var/lib/ilslab/
USER 65532:65532
ENTRYPOINT ["/usr/bin/ilslab"]
