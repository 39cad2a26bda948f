"""The topics section with real clients: shared strategies, rewriting, delayed publishing, auto-subscription, retained storms,
measured topics."""
import json
import subprocess
import time

import pytest

from kit.clients import MosquittoSub, Paho, connect_properties, mosquitto_pub

pytestmark = pytest.mark.dunlin

CONFIG = {
    "limits": {"delayed_messages_max": 5, "queue_messages_max": 1000},
    "topics": {
        "shared_strategy": "round_robin",
        "shared_groups": [{"group": "ordered", "strategy": "hash_topic"}, {"group": "one", "strategy": "sticky"}],
        "rewrite": [{"action": "all", "filter": "old/#", "regex": "^old/(.+)$", "to": "new/%c/$1"},
                    {"action": "publish", "filter": "up/#", "regex": "^up/(\\w+)/(\\w+)$", "to": "$2/$1"}],
        "auto_subscribe": [{"filter": "auto/%c/cmd", "qos": 1}],
        "metrics": ["measured/#"],
    },
}


def payloads(client, count):
    return [m.payload.decode() for m in client.get_many(count)]


@pytest.mark.parametrize("version", [3, 4, 5])
def test_hash_topic_keeps_a_topic_in_order_with_one_member(broker, uid, version):
    with Paho(broker.port, f"{uid}a", version) as a, Paho(broker.port, f"{uid}b", version) as b, \
            Paho(broker.port, f"{uid}p") as p:
        for c in (a, b):
            c.subscribe(f"$share/ordered/{uid}/#", 1)
        for n in range(100):
            p.publish(f"{uid}/{n % 10}", str(n), 1)
        deadline, got = time.monotonic() + 15, {a: [], b: []}
        while sum(map(len, got.values())) < 100 and time.monotonic() < deadline:
            for c in got:
                while not c.empty():
                    got[c].append(c.get())
            time.sleep(0.01)
        owner = {}
        for c, messages in got.items():
            for m in messages:
                assert owner.setdefault(m.topic, c) is c, "a topic stays with one member"
        for t in range(10):
            mine = [int(m.payload) for c in got for m in got[c] if m.topic == f"{uid}/{t}"]
            assert mine == sorted(mine) and len(mine) == 10


def test_sticky_stays_until_the_member_goes(broker, uid):
    with Paho(broker.port, f"{uid}b", 5) as b, Paho(broker.port, f"{uid}p") as p:
        a = Paho(broker.port, f"{uid}a", 5)
        a.subscribe(f"$share/one/{uid}/t", 1)
        b.subscribe(f"$share/one/{uid}/t", 1)
        for n in range(10):
            p.publish(f"{uid}/t", str(n), 1)
        assert payloads(a, 10) == [str(n) for n in range(10)] and b.empty()
        a.disconnect()
        for n in range(10):
            p.publish(f"{uid}/t", str(n), 1)
        assert payloads(b, 10) == [str(n) for n in range(10)]


def test_what_an_offline_member_keeps_goes_to_one_that_comes(broker, uid):
    kept = connect_properties(SessionExpiryInterval=60)
    a = Paho(broker.port, f"{uid}a", 5, clean=True, properties=kept)
    a.subscribe(f"$share/g/{uid}/t", 1)
    a.disconnect()
    with Paho(broker.port, f"{uid}p") as p, Paho(broker.port, f"{uid}b", 5) as b:
        for n in range(20):
            p.publish(f"{uid}/t", str(n), 1)
        b.subscribe(f"$share/g/{uid}/t", 1)
        assert payloads(b, 20) == [str(n) for n in range(20)]


@pytest.mark.parametrize("version", [4, 5])
def test_topics_are_rewritten_for_publishers_and_subscribers(broker, uid, version):
    with Paho(broker.port, f"{uid}c", version) as c, Paho(broker.port, f"{uid}s", version) as s:
        s.subscribe(f"new/{uid}c/{uid}", 1)
        assert not c.subscribe(f"old/{uid}", 1)[0].is_failure
        c.publish(f"old/{uid}", "x", 1)
        assert s.get().topic == c.get().topic == f"new/{uid}c/{uid}"
        s.subscribe(f"two/{uid}one", 0)
        c.publish(f"up/{uid}one/two", "y", 0)
        assert s.get().payload == b"y"
        c.unsubscribe(f"old/{uid}")
        c.publish(f"old/{uid}", "z", 1)
        assert s.get().payload == b"z" and c.empty()


def test_a_delayed_message_comes_in_its_time(broker, uid):
    with MosquittoSub(broker.port, "-t", f"{uid}/#", "-q", "1") as s:
        began = time.monotonic()
        mosquitto_pub(broker.port, "-t", f"$delayed/2/{uid}/t", "-q", "1", "-m", "later")
        mosquitto_pub(broker.port, "-t", f"{uid}/t", "-q", "1", "-m", "now")
        assert s.get() == f"1 0 {uid}/t now"
        assert broker.api.get("/metrics")[1].count("\ndunlin_delayed_messages 1\n") == 1
        assert s.get() == f"1 0 {uid}/t later"
        assert 1.9 < time.monotonic() - began < 6


def test_the_bounds_of_delayed_messages_are_told(broker, uid):
    with Paho(broker.port, f"{uid}p", 5) as p:
        reasons = []
        p.client.on_publish = lambda c, u, mid, reason, properties: reasons.append(reason.value)
        p.publish("$delayed/soon/t", "x", 1)
        for _ in range(6):
            p.publish(f"$delayed/1/{uid}", "x", 1)
        time.sleep(0.2)
        assert reasons[0] == 0x90 and reasons[-1] == 0x97 and 0x97 not in reasons[:-1], reasons
        time.sleep(1.2)
        p.publish(f"$delayed/1/{uid}", "x", 1)
        time.sleep(0.2)
        assert reasons[-1] != 0x97


@pytest.mark.parametrize("version", [4, 5])
def test_a_new_session_is_subscribed_by_itself(broker, uid, version):
    with Paho(broker.port, f"{uid}d", version) as d, Paho(broker.port, f"{uid}+", version), Paho(broker.port, f"{uid}p") as p:
        p.publish(f"auto/{uid}d/cmd", "go", 1)
        m = d.get()
        assert (m.payload, m.qos) == (b"go", 1)


def test_a_storm_of_retained_messages_arrives_whole(broker, uid):
    count = 20_000  # twenty times the queue's bound
    with Paho(broker.port, f"{uid}p", 5) as p:
        for n in range(count):
            last = p.publish_soon(f"{uid}/{n}", "kept", 0, True)
        last.wait_for_publish(30)
        p.publish(f"{uid}/end", "kept", 1, True)
        with Paho(broker.port, f"{uid}s", 5, properties=connect_properties(ReceiveMaximum=20)) as s:
            s.subscribe(f"{uid}/#", 1)
            topics = {m.topic for m in s.get_many(count + 1, 30)}
            assert len(topics) == count + 1


def test_measured_topics_are_shown(broker, uid):
    with Paho(broker.port, f"{uid}s") as s, Paho(broker.port, f"{uid}p") as p:
        s.subscribe("measured/#", 1)
        for _ in range(3):
            p.publish(f"measured/{uid}", "12345", 1)
        s.get_many(3)
    text = broker.api.get("/metrics")[1]
    assert 'dunlin_topic_messages_total{filter="measured/#",direction="in"} 3' in text
    assert 'dunlin_topic_bytes_total{filter="measured/#",direction="out"} 15' in text
    shown = json.loads(broker.api.get("/api/v1/topics")[1])["topics"]
    assert shown[0]["filter"] == "measured/#" and shown[0]["messagesIn"] == 3


def test_faults_name_their_place(dunlin_bin, tmp_path):
    config = tmp_path / "d.yaml"
    config.write_text("""topics:
  rewrite:
    - {filter: "a/#", regex: "(", to: b}
    - {filter: "a/#", regex: "(.)", to: "b/$2"}
  shared_groups: [{group: a/b, strategy: sticky}]
  auto_subscribe: [{filter: "a/#/b"}]
  metrics: ["a", "a"]
""")
    said = subprocess.run([dunlin_bin, "check", "--config", config], capture_output=True, text=True, timeout=30).stderr
    for place, key in [("3:30", "rewrite.0.regex"), ("4:41", "rewrite.1.to"), ("5:27", "shared_groups.0.group"),
                       ("6:29", "auto_subscribe.0.filter"), ("7:18", "metrics.1")]:
        assert f"d.yaml:{place}: topics.{key}: " in said, said


def test_a_reload_changes_all_of_it_and_counters_go_on(make_node):
    node = make_node({"topics": {"metrics": ["m/#"]}})
    with Paho(node.port, "s", 5) as s, Paho(node.port, "p", 5) as p:
        s.subscribe("#", 1)
        p.publish("m/1", "before", 1)
        assert s.get().topic == "m/1"
        node.config["topics"] = {"metrics": ["m/#"], "auto_subscribe": [{"filter": "for/%c", "qos": 1}],
                                 "rewrite": [{"filter": "old/#", "regex": "^old/(.*)$", "to": "m/$1"}]}
        node.config_path.write_text(json.dumps(node.config))
        status, text = node.api.call("POST", "/api/v1/reload")
        assert status == 200, text
        p.publish("old/1", "after", 1)
        assert s.get().topic == "m/1"
        with Paho(node.port, "new", 5) as new:
            p.publish("for/new", "x", 1)
            assert new.get().topic == "for/new"
    assert json.loads(node.api.get("/api/v1/topics")[1])["topics"][0]["messagesIn"] == 2
