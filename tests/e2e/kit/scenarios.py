"""What every rule does, whatever the message queue: used by the tests of the embedded queue and of RocketMQ.

A backend has send(topic, body, properties, tag, keys), receive(topic, enough, seconds) -> messages with body, properties,
tag and keys, acknowledged; `enough` is a function of all that came.
"""
import json
import re
import time

from kit.envelope import read_envelope
from kit.wire import Wire

USER = [("b", "1"), ("a", "ä \"2\""), ("b", "3")]


def outbound_message(node, backend, uid, topic, queue):
    """One device message, one queue message, with the product's properties."""
    p = Wire.open(node.port, f"GID_{uid}@@@dev", 5)
    p.publish_acked(f"{topic}/room/temp", b"\x00\xff21.5", 1, props={
        "user": USER, "message_expiry": 600, "content_type": "text/plain"})
    p.publish_acked(f"{topic}", "no second level", 2)
    p.publish(f"{topic}/q0", "qos 0", 0)
    p.publish_acked(f"{topic}x/other", "another parent", 1)
    got = backend.receive(queue, lambda ms: len(ms) >= 3, 60)
    by_body = {m.body: m for m in got}
    assert set(by_body) == {b"\x00\xff21.5", b"no second level", b"qos 0"}
    m = by_body[b"\x00\xff21.5"]
    assert m.properties["topic"] == f"{topic}/room/temp"
    assert m.properties["mqttSecondTopic"] == "/room/temp"
    assert m.properties["clientId"] == f"GID_{uid}@@@dev"
    assert m.properties["qoslevel"] == "1"
    assert json.loads(m.properties["mqtt5UserProperty"]) == [{"key": k, "value": v} for k, v in USER]
    assert 590 <= int(m.properties["mqtt5MsgExpireInterval"]) <= 600
    assert m.properties["mqtt5ContentType"] == "text/plain"
    assert m.tag == "MQTT_COMMON" and f"GID_{uid}@@@dev" in m.keys
    plain = by_body[b"no second level"].properties
    assert plain["topic"] == topic and plain["qoslevel"] == "2" and plain.get("mqttSecondTopic", "") == ""
    assert "mqtt5UserProperty" not in plain and "mqtt5MsgExpireInterval" not in plain
    assert by_body[b"qos 0"].properties["qoslevel"] == "0"


def outbound_envelope(node, backend, uid, topic, queue, count=1000):
    """Many device messages in one queue message."""
    p = Wire.open(node.port, f"{uid}dev", 5)
    for n in range(count):
        p.publish(f"{topic}/t", str(n), 1, props={"user": USER} if n == 0 else None)
    for _ in range(count):
        p.expect("puback")

    def messages(ms):
        return [d for m in ms for d in read_envelope(m.body)[1]]

    got = backend.receive(queue, lambda ms: len(messages(ms)) >= count, 30)
    assert all(m.tag == "MQTT_ENVELOPE" and m.properties["dunlinFormat"] == "envelope/1" for m in got)
    devices = sorted(messages(got), key=lambda d: d["sequence"])
    assert [d["payload"] for d in devices] == [str(n).encode() for n in range(count)]
    assert len({d["sequence"] for d in devices}) == count
    assert all((d["topic"], d["client_id"], d["qos"]) == (f"{topic}/t", f"{uid}dev", 1) for d in devices)
    assert devices[0]["user_properties"] == USER and devices[1]["user_properties"] == []
    assert len(got) < count / 5, f"{count} device messages in {len(got)} envelopes"


def inbound(node, backend, uid, topic, queue):
    """A backend's messages reach subscribers, with the properties that it sets."""
    s = Wire.open(node.port, f"{uid}s", 5)
    s.subscribe(f"{topic}/#", 2)
    backend.send(queue, "on", {"mqttSecondTopic": "/room/lamp"})
    m = s.take(20)
    assert (m.topic, m.payload, m.qos, m.props) == (f"{topic}/room/lamp", b"on", 1, {})  # QoS 1 is the default
    backend.send(queue, b"\x00\xff", {
        "mqttSecondTopic": "/all", "qoslevel": "2", "mqtt5ContentType": "a/b", "mqtt5MsgExpireInterval": "600",
        "mqtt5UserProperty": json.dumps([{"key": k, "value": v} for k, v in USER])})
    m = s.take(20)
    assert (m.topic, m.payload, m.qos) == (f"{topic}/all", b"\x00\xff", 2)
    assert m.props["user"] == USER and m.props["content_type"] == "a/b" and 590 <= m.props["message_expiry"] <= 600
    backend.send(queue, "parent", {})
    assert s.take(20).topic == topic
    backend.send(queue, "shown", {"mqttSecondTopic": "/real", "mqttRealTopic": "another/name"})
    m = s.take(20)
    assert (m.topic, m.payload) == ("another/name", b"shown")


def inbound_p2p(node, backend, uid, topic, queue):
    """Tag MQ2MQTT and mqttSecondTopic=/p2p/{clientId}, as the product's samples send it."""
    name = f"GID_{uid}@@@phone"
    s, other = Wire.open(node.port, name, 4), Wire.open(node.port, f"GID_{uid}@@@tv", 4)
    backend.send(queue, "for you", {"mqttSecondTopic": f"/p2p/{name}"}, tag="MQ2MQTT")
    m = s.take(20)
    assert (m.topic, m.payload, m.qos) == (f"{topic}/p2p/{name}", b"for you", 1)
    backend.send(queue, "renamed", {"mqttSecondTopic": f"/p2p/{name}", "mqttRealTopic": f"{topic}/mine", "qoslevel": "0"},
                 tag="MQ2MQTT")
    m = s.take(20)
    assert (m.topic, m.payload, m.qos) == (f"{topic}/mine", b"renamed", 0)
    other.expect_nothing(0.2)


def status(node, backend, uid, group, queue):
    """connect, disconnect, tcpclean: the product's JSON, exactly."""
    name = f"{group}@@@{uid}"
    begin = time.time() * 1000
    Wire.open(node.port, name, 4).disconnect()
    lost = Wire.open(node.port, name, 5)
    lost.reset()
    Wire.open(node.port, f"GID_other@@@{uid}", 4).disconnect()

    def ours(ms):
        return [e for m in ms if (e := json.loads(m.body))["clientId"] == name]

    got = backend.receive(queue, lambda ms: len(ours(ms)) >= 5, 60)
    events = ours(got)
    assert not any(json.loads(m.body)["clientId"].startswith("GID_other") for m in got)
    assert all(m.tag == json.loads(m.body)["eventType"] for m in got)
    by_channel = {}
    for e in sorted(events, key=lambda e: e["time"]):
        assert set(e) == {"clientId", "channelId", "clientIp", "eventType", "time"}, e
        assert re.fullmatch(r"127\.0\.0\.1:\d+", e["clientIp"]) and isinstance(e["time"], int)
        assert begin - 1000 <= e["time"] <= time.time() * 1000 + 1000
        by_channel.setdefault(e["channelId"], set()).add(e["eventType"])
    kinds = sorted(map(sorted, by_channel.values()))
    assert kinds == [["connect", "disconnect", "tcpclean"], ["connect", "tcpclean"]], by_channel
