/* getaddrinfo() for those families of which the machine has an address. */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

int main(void) {
    const char *names[] = {"localhost", "127.0.0.1", "::1"};
    for (int i = 0; i < 3; i++) {
        struct addrinfo hints = {.ai_flags = AI_ADDRCONFIG, .ai_socktype = SOCK_STREAM}, *all, *one;
        int error = getaddrinfo(names[i], "80", &hints, &all);
        printf("%s: %s\n", names[i], error ? gai_strerror(error) : "found");
        if (error) continue;
        for (one = all; one; one = one->ai_next) {
            char text[64] = "?";
            getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
            puts(text);
        }
        freeaddrinfo(all);
    }
    return 0;
}
