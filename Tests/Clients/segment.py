#!/usr/bin/python3
"""A second client of dseg's wire, written from Protos/ and ttrpc's description alone.

    segment.py SOCKET IMAGE LABEL...

brings the picture by Look, asks for the labels by Segment, and prints one JSON line for each reply.
Maps and masks are decoded; their hashes are over the symbols (u16 or u8, little-endian) and over
the scores (f32, little-endian) or indices (u8), row by row.

Needs Debian's python3-protobuf, python3-zstandard and protobuf-compiler.
"""

import argparse
import array
import hashlib
import importlib
import itertools
import json
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile

import zstandard
from google.protobuf.json_format import MessageToDict

REQUEST, RESPONSE, DATA = 1, 2, 3
REMOTE_CLOSED, REMOTE_OPEN, NO_DATA = 1, 2, 4
PIECE = (1 << 20) - 16  # a Data frame of an upload holds at most 1 MiB
SERVICE = "dseg.v1.Segmenter"


class CallFailed(Exception):
    def __init__(self, status):
        super().__init__(status.message)
        self.status = status


def load_messages():
    """The modules that protoc makes of Protos/."""
    protos = pathlib.Path(__file__).resolve().parents[2] / "Protos"
    with tempfile.TemporaryDirectory() as directory:
        names = ["segmenter", "ttrpc"]
        files = [str(protos / f"{name}.proto") for name in names]
        subprocess.run(["protoc", f"-I{protos}", f"--python_out={directory}", *files], check=True)
        sys.path.insert(0, directory)
        try:
            return [importlib.import_module(f"{name}_pb2") for name in names]
        finally:
            sys.path.remove(directory)


segmenter, ttrpc = load_messages()


class Connection:
    """One connection; one call at a time."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.stream = -1

    def send(self, kind, flags, payload):
        header = struct.pack(">IIBB", len(payload), self.stream, kind, flags)
        self.socket.sendall(header + payload)

    def read(self, count):
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("the daemon closed the connection")
            data += piece
        return bytes(data)

    def receive(self):
        """The kind, flags and payload of this call's next frame."""
        while True:
            length, stream, kind, flags = struct.unpack(">IIBB", self.read(10))
            payload = self.read(length)
            if stream == self.stream:
                return kind, flags, payload

    def open(self, method, flags, message=None):
        self.stream += 2
        request = ttrpc.Request(service=SERVICE, method=method)
        if message is not None:
            request.payload = message.SerializeToString()
        self.send(REQUEST, flags, request.SerializeToString())

    @staticmethod
    def answer(payload):
        response = ttrpc.Response.FromString(payload)
        if response.status.code != 0:
            raise CallFailed(response.status)
        return response.payload

    def look(self, file):
        self.open("Look", REMOTE_OPEN)
        for start in range(0, len(file), PIECE):
            piece = segmenter.LookRequest(data=file[start:start + PIECE])
            self.send(DATA, 0, piece.SerializeToString())
        self.send(DATA, REMOTE_CLOSED | NO_DATA, b"")
        _, _, payload = self.receive()
        return segmenter.LookReply.FromString(self.answer(payload))

    def segment(self, request):
        """Yields each SegmentReply."""
        self.open("Segment", REMOTE_CLOSED, request)
        while True:
            kind, flags, payload = self.receive()
            if kind == RESPONSE:
                self.answer(payload)
                return
            if not flags & NO_DATA:
                yield segmenter.SegmentReply.FromString(payload)
            if flags & REMOTE_CLOSED:
                return


def symbols(data, pixels, width):
    """The symbols of a map's data: `width` bytes each, differences, low bytes first."""
    frame = zstandard.get_frame_parameters(data)
    assert frame.content_size == pixels * width and frame.has_checksum, "not a map's frame"
    planes = zstandard.ZstdDecompressor().decompress(data)
    lows = planes[:pixels]
    highs = planes[pixels:] if width == 2 else bytes(pixels)
    modulus = 1 << (8 * width)
    differences = (low | high << 8 for low, high in zip(lows, highs))
    return itertools.accumulate(differences, lambda sum, step: (sum + step) % modulus)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def describe_score_map(score_map):
    encoding = segmenter.Encoding.Name(score_map.encoding)
    is_byte = score_map.encoding == segmenter.ENCODING_U8
    pixels = score_map.width * score_map.height
    values = array.array("B" if is_byte else "H",
                         symbols(score_map.data, pixels, 1 if is_byte else 2))
    stored = struct.pack(f"<{pixels}{values.typecode}", *values)
    if score_map.encoding == segmenter.ENCODING_F16:
        scores = struct.unpack(f"<{pixels}e", stored)
    else:
        scores = [score_map.offset + score_map.scale * value for value in values]
    return {
        "label": score_map.label, "width": score_map.width, "height": score_map.height,
        "encoding": encoding, "max_abs_error": score_map.max_abs_error,
        "symbols_sha256": digest(stored),
        "scores_sha256": digest(struct.pack(f"<{pixels}f", *scores)),
    }


def describe_mask(mask):
    indices = bytes(symbols(mask.data, mask.width * mask.height, 1))
    counts = list(mask.counts)
    assert counts == [indices.count(index) for index in range(len(counts))], "wrong counts"
    return {"width": mask.width, "height": mask.height, "counts": counts,
            "indices_sha256": digest(indices)}


def describe(reply):
    kind = reply.WhichOneof("reply")
    message = getattr(reply, kind)
    if kind == "score_map":
        fields = describe_score_map(message)
    elif kind == "mask":
        fields = describe_mask(message)
    else:
        fields = MessageToDict(message, preserving_proto_field_name=True,
                               including_default_value_fields=True)
    return {"reply": kind, **fields}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("socket")
    parser.add_argument("image", type=pathlib.Path)
    parser.add_argument("labels", nargs="+")
    parser.add_argument("--recipe", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--encoding", choices=["F16", "U16", "U8"], default="F16")
    parser.add_argument("--maps", choices=["LATENT", "SIZED", "NONE"], default="LATENT")
    parser.add_argument("--request-id", default="")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    connection = Connection(arguments.socket)
    try:
        look = connection.look(arguments.image.read_bytes())
        print(json.dumps({"reply": "look", "handle": look.handle, "width": look.width,
                          "height": look.height}))
        request = segmenter.SegmentRequest(
            handle=look.handle, recipe=arguments.recipe, seed=arguments.seed, mask=True,
            labels=[segmenter.Label(name=name) for name in arguments.labels],
            encoding=segmenter.Encoding.Value(f"ENCODING_{arguments.encoding}"),
            maps=segmenter.Maps.Value(f"MAPS_{arguments.maps}"),
            request_id=arguments.request_id)
        for reply in connection.segment(request):
            print(json.dumps(describe(reply)), flush=True)
    except CallFailed as failure:
        print(json.dumps({"reply": "failure", "code": failure.status.code,
                          "message": failure.status.message}))
        sys.exit(1)


if __name__ == "__main__":
    main()
