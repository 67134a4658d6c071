"""An OpenTelemetry collector, as far as traces go: it reads them with OpenTelemetry's own messages."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse


class Collector:
    """Keeps what is sent to `url`, until it is left; port 0 takes a free one."""

    def __init__(self, port: int = 0):
        self.spans = []
        self.resources = []
        self.bodies = []
        self.headers = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector._take(self.path, dict(self.headers), body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Collector":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def named(self, name: str) -> list:
        """The spans of that name."""
        return [span for span in list(self.spans) if span.name == name]

    def below(self, span) -> list[str]:
        """The names of the spans below it, as they began."""
        children = [one for one in list(self.spans) if one.parent_span_id == span.span_id]
        return [one.name for one in sorted(children, key=lambda one: one.start_time_unix_nano)]

    def _take(self, path, headers, body):
        assert path == "/v1/traces", path
        self.bodies.append(body)
        self.headers.append(headers)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(attributes(resource.resource))
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)


def attributes(of) -> dict:
    """What is said of a span, an event or a resource."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of.attributes}
