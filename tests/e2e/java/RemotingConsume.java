import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.RPCHook;

/** The official remoting client's push consumer: prints each message, with all its raw properties, until --count have come or --seconds are over. */
public class RemotingConsume {
  static RPCHook credential(Common c) {
    return c.options.containsKey("access-key") ? new AclClientRPCHook(new SessionCredentials(c.get("access-key"), c.get("secret-key"))) : null;
  }

  public static void main(String[] a) {
    Common.main(a, c -> {
      boolean counted = c.options.containsKey("count");
      CountDownLatch left = new CountDownLatch(c.number("count", Integer.MAX_VALUE));
      DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(c.get("group"), credential(c));
      consumer.setNamesrvAddr(c.get("namesrv"));
      consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
      consumer.subscribe(c.get("topic"), "*");
      consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
        for (MessageExt m : messages) {
          List<String> keys = m.getKeys() == null || m.getKeys().isEmpty() ? List.of() : Arrays.asList(m.getKeys().split(" "));
          String group = m.getProperty("__SHARDINGKEY");
          Common.printReceived(m.getBody(), m.getTags() == null ? "" : m.getTags(), keys, new TreeMap<>(m.getProperties()), m.getMsgId(),
              group == null ? "" : group, m.getReconsumeTimes() + 1, m.getBornTimestamp());
          left.countDown();
        }
        return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
      });
      consumer.start();
      System.err.println("ready");
      boolean all = left.await(c.number("seconds", 20), TimeUnit.SECONDS);
      consumer.shutdown();  // stores the offsets
      return !counted || all;
    });
  }
}
