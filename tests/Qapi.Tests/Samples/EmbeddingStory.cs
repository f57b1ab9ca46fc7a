namespace BlockGraph.Qapi.Tests.Samples;

/// <summary>What the embedding sample prints, without what depends on the speed of the machine.</summary>
internal static class EmbeddingStory
{
    /// <summary>The text, line by line.</summary>
    public const string Text = """
        -- power on, with a file as disk0
           guest: 1024 KiB, 8 blocks written, 8 zeroed: read back
        -- disk1 is plugged in while the guest works on disk0
           guest: a new disk with 1024 KiB: works
           pool: 1 of 4 clusters are taken
        -- a throttle filter is put in while requests are in flight
           disk1: drain begins: some in flight, some stay in the ring
           disk1: drain over: the ring goes on
           disk1 is now throttle -> raw -> thin
           guest: everything arrived
           disk1 is now raw -> thin
        -- the pool is full: the machine stops, and goes on when there is space
           event: disk1-backend: write failed: No space left on device: Stop
           stopped: I/O status NoSpace, 1 request kept, 4 of 4 clusters taken
           goes on: I/O status Ok, 0 requests kept, 9 of 12 clusters taken
           guest: noticed 0 failures
           pool: after a discard 3 of 12 clusters are taken
        -- disk1 grows
           disk1: has 2048 KiB now
           guest: the last of 512 blocks: works
        -- disk1 is unplugged

           disk1-backend   done  failed     KiB  mean us  |  < 1 ms  < 10 ms  < 100 ms  more
           Read              65       0     260
           Write             72       1     284
           WriteZeroes        0       0       0
           Discard            1       0     384
           Flush              1       0       0

           nodes left: file, raw; the pool has 0 clusters taken
        -- a drive with a tray: one disc, then another
           cd0: medium in
           guest: 4 KiB: reads
           cd0: medium out
           cd0: medium in
           guest: 8 KiB: reads
        -- power off

           disk0-backend   done  failed     KiB  mean us  |  < 1 ms  < 10 ms  < 100 ms  more
           Read              16       0      64
           Write             80       0     320
           WriteZeroes        1       0      32
           Discard            0       0       0
           Flush              2       0       0

           2 backends are closed with the graph
        """;
}
