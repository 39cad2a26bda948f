"""Reads dunlin.rules.Envelope (proto/envelope.proto) by protobuf's wire format alone, as any backend can."""


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            return value, at


def fields(data):
    """-> (number, value) of each field: int or bytes"""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            assert key & 7 == 2, f"wire type {key & 7}"
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
            assert len(value) == length, "cut off"
        yield key >> 3, value


def read_envelope(data):
    """-> (source, [message as a dict])"""
    source, messages = "", []
    for number, value in fields(data):
        if number == 1:
            source = value.decode()
        elif number == 2:
            messages.append(read_message(value))
    return source, messages


def read_message(data):
    names = {1: "sequence", 2: "topic", 3: "client_id", 4: "payload", 5: "qos", 6: "born_ms", 7: "expiry_s",
             8: "content_type"}
    m = {"sequence": 0, "topic": "", "client_id": "", "payload": b"", "qos": 0, "content_type": "", "user_properties": []}
    for number, value in fields(data):
        if number == 9:
            pair = dict(fields(value))
            m["user_properties"].append((pair.get(1, b"").decode(), pair.get(2, b"").decode()))
        else:
            name = names[number]
            m[name] = value.decode() if name in ("topic", "client_id", "content_type") else value
    return m
