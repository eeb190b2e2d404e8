/* A dump by libmnl: of each message its type, its flags, and of each attribute the type and the length. */
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>

static int attribute(const struct nlattr *attr, void *data) {
    (void)data;
    printf(" %u:%u", mnl_attr_get_type(attr), mnl_attr_get_payload_len(attr));
    return MNL_CB_OK;
}

static int message(const struct nlmsghdr *nlh, void *header) {
    printf("%u %#x", nlh->nlmsg_type, nlh->nlmsg_flags);
    mnl_attr_parse(nlh, *(unsigned *)header, attribute, NULL);
    puts("");
    return MNL_CB_OK;
}

int main(int count, char **words) {
    char buffer[8192];
    if (count != 4) return 2;
    unsigned type = atoi(words[1]), family = atoi(words[2]), header = atoi(words[3]), seq = 7;
    struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
    if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) { perror("libmnl"); return 1; }
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
    nlh->nlmsg_type = type;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    nlh->nlmsg_seq = seq;
    *(unsigned char *)mnl_nlmsg_put_extra_header(nlh, header) = family;
    if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0) { perror("send"); return 1; }
    for (;;) {
        int length = mnl_socket_recvfrom(nl, buffer, sizeof buffer);
        if (length < 0) { perror("receive"); return 1; }
        int go_on = mnl_cb_run(buffer, length, seq, mnl_socket_get_portid(nl), message, &header);
        if (go_on < 0) { perror("dump"); return 1; }
        if (go_on == 0) break;
    }
    mnl_socket_close(nl);
    return 0;
}
