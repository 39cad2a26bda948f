import java.time.Duration;
import java.util.Collections;
import java.util.TreeMap;
import org.apache.rocketmq.client.apis.ClientConfiguration;
import org.apache.rocketmq.client.apis.ClientConfigurationBuilder;
import org.apache.rocketmq.client.apis.ClientServiceProvider;
import org.apache.rocketmq.client.apis.StaticSessionCredentialsProvider;
import org.apache.rocketmq.client.apis.consumer.FilterExpression;
import org.apache.rocketmq.client.apis.consumer.SimpleConsumer;
import org.apache.rocketmq.client.apis.message.MessageView;

/** The official gRPC client's SimpleConsumer: prints and acks each message until --count have come or --seconds are over. */
public class GrpcConsume {
  static ClientConfiguration configuration(Common c) {
    ClientConfigurationBuilder b = ClientConfiguration.newBuilder().setEndpoints(c.get("endpoint")).enableSsl(false).setRequestTimeout(Duration.ofSeconds(5));
    if (c.options.containsKey("access-key")) b.setCredentialProvider(new StaticSessionCredentialsProvider(c.get("access-key"), c.get("secret-key")));
    return b.build();
  }

  public static void main(String[] a) {
    Common.main(a, c -> {
      SimpleConsumer consumer = ClientServiceProvider.loadService().newSimpleConsumerBuilder().setClientConfiguration(configuration(c))
          .setConsumerGroup(c.get("group")).setAwaitDuration(Duration.ofSeconds(5))
          .setSubscriptionExpressions(Collections.singletonMap(c.get("topic"), FilterExpression.SUB_ALL)).build();
      System.err.println("ready");
      int count = c.number("count", Integer.MAX_VALUE), got = 0;
      long end = System.currentTimeMillis() + 1000L * c.number("seconds", 20);
      while (got < count && System.currentTimeMillis() < end)
        for (MessageView m : consumer.receive(Math.min(32, count - got), Duration.ofSeconds(30))) {
          byte[] body = new byte[m.getBody().remaining()];
          m.getBody().get(body);
          Common.printReceived(body, m.getTag().orElse(""), m.getKeys(), new TreeMap<>(m.getProperties()), m.getMessageId().toString(),
              m.getMessageGroup().orElse(""), m.getDeliveryAttempt(), m.getBornTimestamp());
          consumer.ack(m);
          got++;
        }
      return !c.options.containsKey("count") || got >= count;
    });
  }
}
