import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.MessageQueueSelector;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;

/** The official remoting client's producer: sends the bodies given, or the JSON lines of standard input, one after the other. */
public class RemotingSend {
  // Messages of one group to one queue: the remoting client's order.
  static final MessageQueueSelector BY_GROUP = (queues, m, group) -> queues.get(Math.floorMod(group.hashCode(), queues.size()));

  public static void main(String[] a) {
    Common.main(a, c -> {
      DefaultMQProducer producer = new DefaultMQProducer("dunlin_e2e_producer", RemotingConsume.credential(c));
      producer.setNamesrvAddr(c.get("namesrv"));
      producer.setSendMsgTimeout(5000);
      producer.start();
      c.forEachMessage(given -> {
        Common.Outgoing o = c.complete(given);
        Message m = new Message(c.get("topic"), o.tag, String.join(" ", o.keys), o.body);
        o.properties.forEach(m::putUserProperty);
        SendResult r = o.group.isEmpty() ? producer.send(m) : producer.send(m, BY_GROUP, o.group);
        if (r.getSendStatus() != SendStatus.SEND_OK) throw new Exception("sent with " + r.getSendStatus());
        Common.printSent(r.getMsgId());
      });
      return true;
    });
  }
}
