import java.io.FileInputStream;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.YAMLException;

/** Creates topics and consumer groups on every broker, in one run of the JVM. Started by topics.sh, which says how. */
public class Topics {
  static final Map<String, String> topics = new LinkedHashMap<>();   // name -> NORMAL, FIFO, ...
  static final Map<String, Boolean> groups = new LinkedHashMap<>();  // name -> ordered

  static class Fault extends Exception {
    Fault(String text) { super(text); }
  }

  static String text(Map<String, Object> rule, String key, String otherwise) {
    Object v = rule.get(key);
    return v == null || v.toString().isEmpty() ? otherwise : v.toString();
  }

  static void topic(String name, String type) throws Fault {
    String had = topics.putIfAbsent(name, type);
    if (had != null && !had.equals(type))
      throw new Fault("topic " + name + " is asked for as " + had + " and as " + type + ": one rule orders by device, another does not");
  }

  static void group(String name, boolean ordered) throws Fault {
    Boolean had = groups.putIfAbsent(name, ordered);
    if (had != null && had != ordered) throw new Fault("group " + name + " is asked for both ordered and not");
  }

  /** What the rules of a dunlin.yaml need. */
  @SuppressWarnings("unchecked")
  static void config(String path) throws Exception {
    Object all;
    try (FileInputStream in = new FileInputStream(path)) {
      all = new Yaml().load(in);
    } catch (YAMLException | IOException e) {
      throw new Fault(path + ": " + e.getMessage());
    }
    Object rules = all instanceof Map ? ((Map<String, Object>) all).get("rules") : null;
    if (rules == null) return;
    if (!(rules instanceof List)) throw new Fault(path + ": rules is not a list");
    for (Object entry : (List<Object>) rules) {
      if (!(entry instanceof Map)) throw new Fault(path + ": a rule is not a mapping");
      Map<String, Object> rule = (Map<String, Object>) entry;
      String id = text(rule, "id", "?"), queue = text(rule, "queue", "");
      if (queue.isEmpty()) throw new Fault(path + ": rule " + id + " names no queue");
      boolean ordered = text(rule, "order", "none").equals("device");
      topic(queue, ordered ? "FIFO" : "NORMAL");
      if (text(rule, "type", "").equals("inbound")) group(text(rule, "group", "DUNLIN_" + id), ordered);
    }
  }

  static void arguments(String[] a) throws Exception {
    for (int i = 0; i < a.length; i += 2) {
      if (i + 1 == a.length) throw new Fault(a[i] + " needs a value");
      String[] part = a[i + 1].split(":", 2);
      switch (a[i]) {
        case "--config": config(a[i + 1]); break;
        case "--topic": topic(part[0], part.length > 1 ? part[1].toUpperCase() : "NORMAL"); break;
        case "--group": group(part[0], part.length > 1 && part[1].equals("ordered")); break;
        default: throw new Fault("unknown option " + a[i]);
      }
    }
  }

  static void make(DefaultMQAdminExt admin, String broker, int queues) throws Exception {
    var haveTopics = admin.getAllTopicConfig(broker, 5000).getTopicConfigTable();
    for (var t : topics.entrySet()) {
      TopicConfig have = haveTopics.get(t.getKey());
      if (have != null) {
        String type = have.getTopicMessageType().getValue();
        if (!type.equals(t.getValue()))
          throw new Fault("topic " + t.getKey() + " exists on " + broker + " as " + type + ", but " + t.getValue()
              + " is asked for: delete it (mqadmin.sh deleteTopic) or use another one");
        System.out.println("topic " + t.getKey() + " " + type + " exists");
        continue;
      }
      TopicConfig c = new TopicConfig(t.getKey(), queues, queues);
      c.getAttributes().put("+message.type", t.getValue());
      c.setOrder(false);
      admin.createAndUpdateTopicConfig(broker, c);
      System.out.println("topic " + t.getKey() + " " + t.getValue() + " created");
    }
    var haveGroups = admin.getAllSubscriptionGroup(broker, 5000).getSubscriptionGroupTable();
    for (var g : groups.entrySet()) {
      SubscriptionGroupConfig have = haveGroups.get(g.getKey());
      String kind = g.getValue() ? " ordered" : "";
      if (have != null && have.isConsumeMessageOrderly() == g.getValue()) {
        System.out.println("group " + g.getKey() + kind + " exists");
        continue;
      }
      SubscriptionGroupConfig c = have != null ? have : new SubscriptionGroupConfig();
      c.setGroupName(g.getKey());
      c.setConsumeMessageOrderly(g.getValue());
      admin.createAndUpdateSubscriptionGroupConfig(broker, c);
      System.out.println("group " + g.getKey() + kind + (have != null ? " changed" : " created"));
    }
  }

  public static void main(String[] a) {
    DefaultMQAdminExt admin = null;
    int status = 1;
    try {
      arguments(a);
      String user = System.getenv("RMQ_USER"), password = System.getenv("RMQ_PASSWORD");
      admin = user == null || user.isEmpty() ? new DefaultMQAdminExt(5000)
          : new DefaultMQAdminExt(new AclClientRPCHook(new SessionCredentials(user, password)), 5000);
      admin.setNamesrvAddr(System.getenv("NAMESRV_ADDR"));
      admin.start();
      var brokers = admin.examineBrokerClusterInfo().getBrokerAddrTable();
      if (brokers.isEmpty()) throw new Fault("the name server knows no broker yet");
      for (var b : brokers.values()) make(admin, b.selectBrokerAddr(), 4);
      status = 0;
    } catch (Fault e) {
      System.err.println("topics: " + e.getMessage());
      status = 2;
    } catch (Exception e) {
      System.err.println("topics: " + e);
    }
    System.out.flush();
    // Without admin.shutdown(), which takes a second: nothing of it outlives the process.
    Runtime.getRuntime().halt(status);
  }
}
