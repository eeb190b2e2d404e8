import java.net.InetAddress;
import java.net.NetworkInterface;
import java.util.Collections;

class List {
    public static void main(String[] arguments) throws Exception {
        for (NetworkInterface one : Collections.list(NetworkInterface.getNetworkInterfaces())) {
            System.out.println(one.getIndex() + " " + one.getName() + " " + one.getMTU() + " " + one.isUp() + " " + one.isLoopback());
            one.getInterfaceAddresses().forEach(System.out::println);
        }
        System.out.println(NetworkInterface.getByName("nope"));
        System.out.println(NetworkInterface.getByInetAddress(InetAddress.getByName("127.0.0.1")));
    }
}
