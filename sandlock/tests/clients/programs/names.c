/* The names and the numbers of interfaces, each from the other. */
#include <net/if.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **words) {
    char name[IF_NAMESIZE] = "-";
    if (count > 1 && !strcmp(words[1], "ioctl")) {
        printf("%u\n", if_nametoindex("lo"));
        printf("%u\n", if_nametoindex("nope"));
        printf("%s\n", if_indextoname(1, name) ? name : "none");
        printf("%s\n", if_indextoname(999, name) ? name : "none");
        return 0;
    }
    struct if_nameindex *all = if_nameindex(), *one;
    if (!all) { perror("if_nameindex"); return 1; }
    for (one = all; one->if_name; one++) printf("%u %s\n", one->if_index, one->if_name);
    if_freenameindex(all);
    return 0;
}
