/* Every address of every interface, as getifaddrs() has it. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdio.h>

static void print(const char *what, const struct sockaddr *address) {
    char text[64] = "?";
    if (!address) return;
    if (address->sa_family == AF_INET) inet_ntop(AF_INET, &((struct sockaddr_in *)address)->sin_addr, text, sizeof text);
    if (address->sa_family == AF_INET6) inet_ntop(AF_INET6, &((struct sockaddr_in6 *)address)->sin6_addr, text, sizeof text);
    if (address->sa_family == AF_PACKET) {
        const struct sockaddr_ll *ll = (const struct sockaddr_ll *)address;
        snprintf(text, sizeof text, "link %d type %d %d bytes", ll->sll_ifindex, ll->sll_hatype, ll->sll_halen);
    }
    printf(" %s %s", what, text);
}

int main(void) {
    struct ifaddrs *all, *one;
    if (getifaddrs(&all)) { perror("getifaddrs"); return 1; }
    for (one = all; one; one = one->ifa_next) {
        printf("%s %#x", one->ifa_name, one->ifa_flags);
        print("address", one->ifa_addr);
        print("mask", one->ifa_netmask);
        print("broadcast", one->ifa_broadaddr);
        if (one->ifa_addr && one->ifa_addr->sa_family == AF_PACKET && one->ifa_data)
            printf(" received %u", *(const unsigned *)one->ifa_data);
        puts("");
    }
    freeifaddrs(all);
    return 0;
}
