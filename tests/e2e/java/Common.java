import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONArray;
import com.alibaba.fastjson2.JSONObject;
import com.alibaba.fastjson2.JSONWriter;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the four programs share: options, and messages as JSON lines in and out. */
class Common {
  final Map<String, String> options = new LinkedHashMap<>();
  final List<String> keys = new ArrayList<>();
  final Map<String, String> properties = new LinkedHashMap<>();
  final List<String> bodies = new ArrayList<>();

  /** --name value; --key and --property k=v may come several times; the rest are bodies. */
  Common(String[] a) {
    for (int i = 0; i < a.length; i++) {
      if (!a[i].startsWith("--")) {
        bodies.add(a[i]);
        continue;
      }
      if (i + 1 == a.length) throw new IllegalArgumentException(a[i] + " needs a value");
      String name = a[i].substring(2), value = a[++i];
      if (name.equals("key")) keys.add(value);
      else if (name.equals("property")) properties.put(value.substring(0, value.indexOf('=')), value.substring(value.indexOf('=') + 1));
      else options.put(name, value);
    }
  }

  String get(String name) {
    String v = options.get(name);
    if (v == null) throw new IllegalArgumentException("--" + name + " is missing");
    return v;
  }
  String get(String name, String otherwise) { return options.getOrDefault(name, otherwise); }
  int number(String name, int otherwise) { return Integer.parseInt(get(name, "" + otherwise)); }

  static class Outgoing {
    byte[] body;
    String tag = "", group = "";
    List<String> keys = new ArrayList<>();
    Map<String, String> properties = new LinkedHashMap<>();
  }

  interface Sink {
    void accept(Outgoing m) throws Exception;
  }

  /** Each body of the command line, or each line of standard input: {"body" or "body_base64", "tag", "keys", "properties", "message_group"}. */
  void forEachMessage(Sink sink) throws Exception {
    for (String body : bodies) {
      Outgoing m = new Outgoing();
      m.body = body.getBytes(StandardCharsets.UTF_8);
      sink.accept(m);
    }
    if (!bodies.isEmpty()) return;
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = in.readLine()) != null;) {
      if (line.isBlank()) continue;
      JSONObject o = JSON.parseObject(line);
      Outgoing m = new Outgoing();
      String base64 = o.getString("body_base64");
      m.body = base64 != null ? Base64.getDecoder().decode(base64) : o.getString("body").getBytes(StandardCharsets.UTF_8);
      if (o.containsKey("tag")) m.tag = o.getString("tag");
      if (o.containsKey("message_group")) m.group = o.getString("message_group");
      JSONArray keys = o.getJSONArray("keys");
      if (keys != null) keys.forEach(k -> m.keys.add(k.toString()));
      JSONObject p = o.getJSONObject("properties");
      if (p != null) p.forEach((k, v) -> m.properties.put(k, v.toString()));
      sink.accept(m);
    }
  }

  /** What the command line gives for all messages fills what a message does not have. */
  Outgoing complete(Outgoing m) {
    if (m.tag.isEmpty()) m.tag = get("tag", "");
    if (m.group.isEmpty()) m.group = get("message-group", "");
    if (m.keys.isEmpty()) m.keys = keys;
    properties.forEach(m.properties::putIfAbsent);
    return m;
  }

  static synchronized void print(Map<String, Object> line) {
    System.out.println(JSON.toJSONString(line, JSONWriter.Feature.WriteNulls));
    System.out.flush();
  }

  static void printReceived(byte[] body, String tag, Object keys, Map<String, String> properties, String id, String group, int attempt, long bornMs) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("body", Base64.getEncoder().encodeToString(body));
    line.put("tag", tag);
    line.put("keys", keys);
    line.put("properties", properties);
    line.put("message_id", id);
    line.put("message_group", group);
    line.put("attempt", attempt);
    line.put("born_ms", bornMs);
    print(line);
  }

  static void printSent(String id) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("sent", id);
    print(line);
  }

  interface Program {
    boolean run(Common c) throws Exception;
  }

  /** Exit code 0: done; 1: not all came, or it failed; 2: wrong arguments. */
  static void main(String[] a, Program program) {
    int status = 1;
    try {
      status = program.run(new Common(a)) ? 0 : 1;
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage());
      status = 2;
    } catch (Exception e) {
      System.err.println(e);
    }
    System.out.flush();
    // The clients' own threads would hold the process for seconds.
    Runtime.getRuntime().halt(status);
  }
}
