import com.hivemq.client.mqtt.MqttClient;
import com.hivemq.client.mqtt.MqttClientBuilder;
import com.hivemq.client.mqtt.MqttGlobalPublishFilter;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.mqtt3.Mqtt3AsyncClient;
import com.hivemq.client.mqtt.mqtt3.message.publish.Mqtt3Publish;
import com.hivemq.client.mqtt.mqtt5.Mqtt5AsyncClient;
import com.hivemq.client.mqtt.mqtt5.datatypes.Mqtt5UserProperties;
import com.hivemq.client.mqtt.mqtt5.datatypes.Mqtt5UserPropertiesBuilder;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5Publish;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

import static java.nio.charset.StandardCharsets.UTF_8;

/** HiveMQ's client (3.1.1 and 5) driven by lines on standard input. See ../README.md. */
public final class Driver {
    private static final int WAIT_S = 15;
    private static final Map<String, Mqtt3AsyncClient> clients3 = new HashMap<>();
    private static final Map<String, Mqtt5AsyncClient> clients5 = new HashMap<>();

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, UTF_8));
        for (String line; (line = in.readLine()) != null;) {
            Map<String, List<String>> c = parse(line);
            try {
                say(handle(c).and("n", get(c, "n")));
            } catch (ExecutionException e) {
                say(new Fields().and("n", get(c, "n")).and("error", String.valueOf(e.getCause())));
            } catch (Exception e) {
                say(new Fields().and("n", get(c, "n")).and("error", e.toString()));
            }
        }
        System.exit(0);
    }

    private static final class Fields {
        private final StringBuilder text = new StringBuilder();

        Fields and(String key, Object value) {
            text.append(text.length() == 0 ? "" : "&").append(key).append('=').append(URLEncoder.encode(value.toString(), UTF_8));
            return this;
        }
    }

    private static synchronized void say(Fields f) {
        System.out.println(f.text);
        System.out.flush();
    }

    private static Map<String, List<String>> parse(String line) {
        Map<String, List<String>> out = new HashMap<>();
        for (String field : line.split("&")) {
            int at = field.indexOf('=');
            out.computeIfAbsent(field.substring(0, at), k -> new ArrayList<>())
                .add(URLDecoder.decode(field.substring(at + 1), UTF_8));
        }
        return out;
    }

    private static String get(Map<String, List<String>> c, String key) {
        return c.containsKey(key) ? c.get(key).get(0) : null;
    }

    private static MqttQos qos(String n) {
        return MqttQos.fromCode(Integer.parseInt(n));
    }

    private static String text(ByteBuffer b) {
        return UTF_8.decode(b).toString();
    }

    private static <T> T await(CompletableFuture<T> f) throws Exception {
        return f.get(WAIT_S, TimeUnit.SECONDS);
    }

    private static Fields handle(Map<String, List<String>> c) throws Exception {
        boolean five = clients5.containsKey(get(c, "c"));
        switch (get(c, "op")) {
            case "connect":
                return get(c, "version").equals("5") ? connect5(c) : connect3(c);
            case "subscribe":
                return five ? subscribe5(c) : subscribe3(c);
            case "publish":
                return five ? publish5(c) : publish3(c);
            case "disconnect":
                await(five ? clients5.get(get(c, "c")).disconnect() : clients3.get(get(c, "c")).disconnect());
                return new Fields();
            case "forget":
                clients3.remove(get(c, "c"));
                clients5.remove(get(c, "c"));
                return new Fields();
            default:
                throw new IllegalArgumentException(get(c, "op"));
        }
    }

    private static MqttClientBuilder builder(Map<String, List<String>> c) {
        URI server = URI.create(get(c, "url"));
        MqttClientBuilder b = MqttClient.builder().identifier(get(c, "id")).serverHost(server.getHost()).serverPort(server.getPort());
        return server.getScheme().equals("ws") ? b.webSocketConfig().serverPath(server.getPath()).applyWebSocketConfig() : b;
    }

    // -- MQTT 5 ---------------------------------------------------------------

    private static Fields connect5(Map<String, List<String>> c) throws Exception {
        Mqtt5AsyncClient client = builder(c).useMqttVersion5().buildAsync();
        String name = get(c, "c");
        client.publishes(MqttGlobalPublishFilter.ALL, m -> onMessage5(name, m));
        clients5.put(name, client);
        var connect = client.connectWith().cleanStart(get(c, "clean").equals("1")).keepAlive(60);
        if (c.containsKey("session_expiry")) connect = connect.sessionExpiryInterval(Long.parseLong(get(c, "session_expiry")));
        if (c.containsKey("will_topic")) {
            connect = connect.willPublish().topic(get(c, "will_topic")).payload(get(c, "will_payload").getBytes(UTF_8))
                .qos(qos(get(c, "will_qos"))).applyWillPublish();
        }
        return new Fields().and("present", await(connect.send()).isSessionPresent() ? 1 : 0);
    }

    private static void onMessage5(String name, Mqtt5Publish m) {
        Fields f = new Fields().and("message", 1).and("c", name).and("topic", m.getTopic())
            .and("payload", new String(m.getPayloadAsBytes(), UTF_8)).and("qos", m.getQos().getCode()).and("retain", m.isRetain() ? 1 : 0);
        m.getContentType().ifPresent(v -> f.and("content_type", v));
        m.getResponseTopic().ifPresent(v -> f.and("response_topic", v));
        m.getCorrelationData().ifPresent(v -> f.and("correlation", text(v)));
        m.getMessageExpiryInterval().ifPresent(v -> f.and("expiry", v));
        m.getUserProperties().asList().forEach(u -> f.and("user", u.getName() + ":" + u.getValue()));
        say(f);
    }

    private static Fields subscribe5(Map<String, List<String>> c) throws Exception {
        var ack = await(clients5.get(get(c, "c")).subscribeWith().topicFilter(get(c, "filter")).qos(qos(get(c, "qos"))).send());
        return new Fields().and("code", ack.getReasonCodes().get(0).getCode());
    }

    private static Fields publish5(Map<String, List<String>> c) throws Exception {
        Mqtt5UserPropertiesBuilder user = Mqtt5UserProperties.builder();
        for (String pair : c.getOrDefault("user", List.of())) {
            user.add(pair.substring(0, pair.indexOf(':')), pair.substring(pair.indexOf(':') + 1));
        }
        var p = Mqtt5Publish.builder().topic(get(c, "topic")).payload(get(c, "payload").getBytes(UTF_8))
            .qos(qos(get(c, "qos"))).retain(get(c, "retain").equals("1")).userProperties(user.build());
        if (c.containsKey("content_type")) p = p.contentType(get(c, "content_type"));
        if (c.containsKey("response_topic")) p = p.responseTopic(get(c, "response_topic"));
        if (c.containsKey("correlation")) p = p.correlationData(get(c, "correlation").getBytes(UTF_8));
        if (c.containsKey("expiry")) p = p.messageExpiryInterval(Long.parseLong(get(c, "expiry")));
        await(clients5.get(get(c, "c")).publish(p.build()));
        return new Fields();
    }

    // -- MQTT 3.1.1 -----------------------------------------------------------

    private static Fields connect3(Map<String, List<String>> c) throws Exception {
        Mqtt3AsyncClient client = builder(c).useMqttVersion3().buildAsync();
        String name = get(c, "c");
        client.publishes(MqttGlobalPublishFilter.ALL, m -> onMessage3(name, m));
        clients3.put(name, client);
        var connect = client.connectWith().cleanSession(get(c, "clean").equals("1")).keepAlive(60);
        if (c.containsKey("will_topic")) {
            connect = connect.willPublish().topic(get(c, "will_topic")).payload(get(c, "will_payload").getBytes(UTF_8))
                .qos(qos(get(c, "will_qos"))).applyWillPublish();
        }
        return new Fields().and("present", await(connect.send()).isSessionPresent() ? 1 : 0);
    }

    private static void onMessage3(String name, Mqtt3Publish m) {
        say(new Fields().and("message", 1).and("c", name).and("topic", m.getTopic())
            .and("payload", new String(m.getPayloadAsBytes(), UTF_8)).and("qos", m.getQos().getCode()).and("retain", m.isRetain() ? 1 : 0));
    }

    private static Fields subscribe3(Map<String, List<String>> c) throws Exception {
        var ack = await(clients3.get(get(c, "c")).subscribeWith().topicFilter(get(c, "filter")).qos(qos(get(c, "qos"))).send());
        return new Fields().and("code", ack.getReturnCodes().get(0).getCode());
    }

    private static Fields publish3(Map<String, List<String>> c) throws Exception {
        await(clients3.get(get(c, "c")).publish(Mqtt3Publish.builder().topic(get(c, "topic"))
            .payload(get(c, "payload").getBytes(UTF_8)).qos(qos(get(c, "qos"))).retain(get(c, "retain").equals("1")).build()));
        return new Fields();
    }
}
