//! MQTT 5
use rumqttc::v5::mqttbytes::v5::{ConnectProperties, LastWill, Packet, Publish, PublishProperties, SubscribeReasonCode};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use rumqttc::Outgoing;
use tokio::sync::mpsc;

use crate::{field, say, Client, Command, Fields, Handle, Note};

fn qos(c: &Command, key: &str) -> QoS {
    rumqttc::v5::mqttbytes::qos(c.number(key).unwrap_or(0) as u8).expect("a QoS")
}

fn message(name: &str, m: &Publish) -> Fields {
    let mut out = vec![
        field("message", 1),
        field("c", name),
        field("topic", String::from_utf8_lossy(&m.topic)),
        field("payload", String::from_utf8_lossy(&m.payload)),
        field("qos", m.qos as u8),
        field("retain", m.retain as u8),
    ];
    if let Some(p) = &m.properties {
        out.extend(p.content_type.iter().map(|v| field("content_type", v)));
        out.extend(p.response_topic.iter().map(|v| field("response_topic", v)));
        out.extend(p.correlation_data.iter().map(|v| field("correlation", String::from_utf8_lossy(v))));
        out.extend(p.message_expiry_interval.iter().map(|v| field("expiry", v)));
        out.extend(p.user_properties.iter().map(|(k, v)| field("user", format!("{k}:{v}"))));
    }
    out
}

pub fn connect(c: &Command) -> Client {
    let (host, port) = c.server();
    let mut options = MqttOptions::new(c.get("id"), host, port);
    options.set_clean_start(c.get("clean") == "1").set_keep_alive(std::time::Duration::from_secs(60));
    let mut properties = ConnectProperties::new();
    properties.session_expiry_interval = c.number("session_expiry");
    options.set_connect_properties(properties);
    if let Some(topic) = c.find("will_topic") {
        options.set_last_will(LastWill::new(topic, c.get("will_payload"), qos(c, "will_qos"), false, None));
    }
    let (client, mut events) = AsyncClient::new(options, 10);
    let (to, notes) = mpsc::unbounded_channel();
    let name = c.get("c").to_string();
    let task = tokio::spawn(async move {
        loop {
            let note = match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(a))) => Note::Connected(a.session_present),
                Ok(Event::Incoming(Packet::SubAck(a))) => Note::Subscribed(match a.return_codes[0] {
                    SubscribeReasonCode::Success(q) => (q as u8).to_string(),
                    other => format!("{other:?}"),
                }),
                Ok(Event::Incoming(Packet::PubAck(_) | Packet::PubComp(_))) => Note::Acknowledged,
                Ok(Event::Incoming(Packet::Publish(m))) => {
                    say(message(&name, &m));
                    continue;
                }
                Ok(Event::Outgoing(Outgoing::Publish(_))) => Note::Written,
                Ok(_) => continue,
                Err(e) => {
                    let _ = to.send(Note::Failed(e.to_string()));
                    return;
                }
            };
            let _ = to.send(note);
        }
    });
    Client { handle: Handle::V5(client), notes, task }
}

pub async fn subscribe(h: &AsyncClient, c: &Command) -> Result<(), String> {
    h.subscribe(c.get("filter"), qos(c, "qos")).await.map_err(|e| e.to_string())
}

pub async fn publish(h: &AsyncClient, c: &Command) -> Result<(), String> {
    let properties = PublishProperties {
        message_expiry_interval: c.number("expiry"),
        response_topic: c.find("response_topic").map(str::to_string),
        correlation_data: c.find("correlation").map(|v| v.as_bytes().to_vec().into()),
        user_properties: c.user_properties(),
        content_type: c.find("content_type").map(str::to_string),
        ..Default::default()
    };
    let payload = c.get("payload").as_bytes().to_vec();
    h.publish_with_properties(c.get("topic"), qos(c, "qos"), c.get("retain") == "1", payload, properties)
        .await
        .map_err(|e| e.to_string())
}
