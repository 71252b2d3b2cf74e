# U-Boot's script: chooses a slot, starts its kernel. Works without a saved environment too, on defaults.
#
# BOOT_ORDER and BOOT_x_LEFT are RAUC's: which slot first, and how many tries each has left. 9 is a slot that has proven
# itself: its tries are not counted, so that a normal boot writes nothing to the card. 1 to 3 is one on trial, 0 none.

# At the default addresses Debian's kernel would lie over this script.
setenv kernel_addr_r 0x04000000
setenv ramdisk_addr_r 0x0a000000
setenv fdt_addr_r 0x0b000000
# Where the packed kernel is read to; it unpacks to kernel_addr_r.
setenv packed_addr 0x0c000000

test -n "${devnum}" || setenv devnum 0

# They are kept twice, each time in a sector outside of all partitions, with a checksum and a running number: the newer
# one that is sound holds. Only the other one is written, so that a power cut leaves one. Where none is sound, both slots
# are on trial. image/layout.toml has the places (here in sectors), /usr/lib/cme3000/boot-state is Linux's side.
setenv state_addr 0x03000000
setenv other_sector 3e000
setenv newer_sector 40000
setenv newest 0
setenv BOOT_ORDER A B
setenv BOOT_A_LEFT 3
setenv BOOT_B_LEFT 3
mmc dev ${devnum}
for sector in 3e000 40000; do
    if mmc read ${state_addr} ${sector} 1 && env import -c ${state_addr} 200 BOOT_NUMBER; then
        if itest 0x${BOOT_NUMBER} -gt 0x${newest}; then
            env import -c ${state_addr} 200 BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
            setenv newest ${BOOT_NUMBER}
            setenv other_sector 3e000
            setenv newer_sector 40000
            if test ${sector} = 3e000; then setenv other_sector 40000; setenv newer_sector 3e000; fi
        fi
    fi
done
setenv save_state '
    setexpr newest ${newest} + 1;
    setenv BOOT_NUMBER ${newest};
    env export -c -s 200 ${state_addr} BOOT_NUMBER BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT;
    mmc write ${state_addr} ${other_sector} 1 &&
        setenv written ${other_sector} && setenv other_sector ${newer_sector} && setenv newer_sector ${written}'

# What this card wants besides: arguments for the kernel, another device tree.
setenv extra_arguments
setenv device_tree
if load mmc ${devnum}:1 ${kernel_addr_r} cme3000.env; then
    env import -t ${kernel_addr_r} ${filesize} extra_arguments device_tree
fi
test -n "${device_tree}" || setenv device_tree "${fdtfile}"

# Without huge pages the kernel keeps 4 MB free in place of 22, and the program's heap does not grow by 2 MB at a time.
#
# The tree is the slot's own and not the firmware's, so what the firmware says about the board is passed on: programs
# tell by its revision where the pins are. U-Boot itself passes on memory, MAC address and serial number.
setenv start_slot '
    setenv bootargs "root=PARTUUID=434d6533-0${part} ro rauc.slot=${slot} net.ifnames=0 lsm=landlock,lockdown,yama quiet loglevel=4 panic=10 transparent_hugepage=never ${extra_arguments}";
    if load mmc ${devnum}:${part} ${fdt_addr_r} /boot/dtb/${device_tree}; then
        if load mmc ${devnum}:${part} ${packed_addr} /boot/vmlinuz && unzip ${packed_addr} ${kernel_addr_r}; then
            if load mmc ${devnum}:${part} ${ramdisk_addr_r} /boot/initrd.img; then
                fdt addr ${fdt_addr_r};
                fdt resize 4096;
                fdt mknode / system;
                fdt set /system linux,revision <${board_revision}>;
                booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr_r};
            fi;
        fi;
    fi'

for slot in ${BOOT_ORDER}; do
    setenv left 0
    if test "${slot}" = A; then setenv part 2; setenv left ${BOOT_A_LEFT}; fi
    if test "${slot}" = B; then setenv part 3; setenv left ${BOOT_B_LEFT}; fi
    setenv may_start no
    if test ${left} -ge 9; then
        setenv may_start yes
    elif test ${left} -gt 0; then
        setexpr left ${left} - 1
        if test "${slot}" = A; then setenv BOOT_A_LEFT ${left}; else setenv BOOT_B_LEFT ${left}; fi
        # What cannot be counted is not tried: on a card that can no longer be written it would be tried for ever.
        if run save_state; then setenv may_start yes; fi
    fi
    # Comes back only where a file is missing.
    if test ${may_start} = yes; then run start_slot; fi
done

# No slot has a try left, or none can be read. Both get theirs again, for a card that fails now may not fail later.
setenv BOOT_A_LEFT 3
setenv BOOT_B_LEFT 3
if run save_state; then reset; fi
for slot in ${BOOT_ORDER}; do
    if test "${slot}" = A; then setenv part 2; else setenv part 3; fi
    run start_slot
done
reset
