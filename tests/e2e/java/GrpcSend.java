import org.apache.rocketmq.client.apis.ClientServiceProvider;
import org.apache.rocketmq.client.apis.message.MessageBuilder;
import org.apache.rocketmq.client.apis.producer.Producer;

/** The official gRPC client's Producer: sends the bodies given, or the JSON lines of standard input, one after the other. */
public class GrpcSend {
  public static void main(String[] a) {
    Common.main(a, c -> {
      ClientServiceProvider provider = ClientServiceProvider.loadService();
      Producer producer = provider.newProducerBuilder().setClientConfiguration(GrpcConsume.configuration(c)).setTopics(c.get("topic")).build();
      c.forEachMessage(given -> {
        Common.Outgoing m = c.complete(given);
        MessageBuilder b = provider.newMessageBuilder().setTopic(c.get("topic")).setBody(m.body);
        if (!m.tag.isEmpty()) b.setTag(m.tag);
        if (!m.keys.isEmpty()) b.setKeys(m.keys.toArray(new String[0]));
        if (!m.group.isEmpty()) b.setMessageGroup(m.group);
        m.properties.forEach(b::addProperty);
        Common.printSent(producer.send(b.build()).getMessageId().toString());
      });
      return true;
    });
  }
}
