"""The lab itself: both guests under the stock toolstack, without summond."""

from support.lab import LINUX_KERNEL, LINUX_RAMDISK, LINUX_TYPE, UNIKERNEL, limit


@limit(240)
def test_stock_xl_linux(lab):
    """`xl create` boots the Linux guest, it serves its page, `xl shutdown` leaves nothing."""
    create = lab.xl_create("linux1", type=LINUX_TYPE, kernel=lab.need(LINUX_KERNEL),
                           ramdisk=lab.need(LINUX_RAMDISK), memory=96, vif=["bridge=xenbr0"],
                           extra="ipv4=10.0.2.60/24 ipv6=fec0::60/64 gw=10.0.2.2 name=linux1")
    ping = lab.ping("10.0.2.60")
    page = lab.http_get("10.0.2.60")
    assert "linux1: a Linux guest" in page, f"another page: {page}"
    lab.ping("fec0::60")
    domid = lab.domain("linux1").domid
    lab.wait_until(lambda: lab.xenstore_read(f"/local/domain/{domid}/data/ready") == "1",
                   30, "the guest's data/ready")
    lab.output("xl", "shutdown", "--wait", "linux1")
    lab.assert_no_trace()
    lab.measured.update(create=f"{create:.1f} s", ping=f"+{ping:.1f} s")


@limit(240)
def test_stock_xl_pvh(lab):
    """`xl create` boots the unikernel as PVH, it serves its page, `xl destroy` leaves nothing."""
    # Below about 20 MiB libxl's default shadow_memory is too small for a PVH domain's page tables.
    create = lab.xl_create("unikernel1", type="pvh", kernel=lab.need(UNIKERNEL), memory=16,
                           shadow_memory=2, vif=["bridge=xenbr0"],
                           cmdline="--ipv4=10.0.2.50/24 --ipv4-gateway=10.0.2.2 --name=unikernel1")
    ping = lab.ping("10.0.2.50")
    page = lab.http_get("10.0.2.50")
    assert "unikernel1" in page, f"another page: {page}"
    with lab.client.inside():
        assert "unikernel1" in lab.http_get("10.0.2.50"), "another page for the client"
    lab.output("xl", "destroy", "unikernel1")
    lab.assert_no_trace()
    lab.measured.update(create=f"{create:.1f} s", ping=f"+{ping:.1f} s")
