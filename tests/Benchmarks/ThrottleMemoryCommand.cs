using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Benchmarks;

/// <summary>What groups and members hold while nothing happens, before and after they have been used.</summary>
internal static class ThrottleMemoryCommand
{
    private const int GroupCount = 1000;
    private const int MemberCount = 10;
    private const int WaiterCount = 4;
    private const long MemberBytesMax = 512;

    public static int Run(string[] args)
    {
        CommandArguments arguments = new(args);
        Report report = new("what", "bytes", "at most");
        using PolledAioContext context = new("memory");
        context.Run(() => MeasureAsync(context, report));
        report.Note($"{GroupCount} groups of {MemberCount} members; used: each member has had {WaiterCount} requests that waited");
        return report.Print(arguments.IsJson);
    }

    private static async Task MeasureAsync(AioContext context, Report report)
    {
        ThrottleGroup[] groups = new ThrottleGroup[GroupCount];
        ThrottleGroupMember[] members = new ThrottleGroupMember[GroupCount * MemberCount];
        ThrottleConfig limits = new() { IopsTotal = new ThrottleLimits(1000) };
        long start = GC.GetTotalMemory(forceFullCollection: true);
        for (int index = 0; index < groups.Length; index++)
        {
            groups[index] = new ThrottleGroup("g", limits);
        }

        long withGroups = GC.GetTotalMemory(forceFullCollection: true);
        for (int index = 0; index < members.Length; index++)
        {
            members[index] = groups[index % GroupCount].AddMember(context);
        }

        long withMembers = GC.GetTotalMemory(forceFullCollection: true);
        await UseAsync(members);
        long used = GC.GetTotalMemory(forceFullCollection: true);
        report.Add("a group", (withGroups - start) / GroupCount, null);
        Add("a member", withMembers - withGroups);
        report.Add("a member, used: with its part of the group's histograms and the context's pool", (used - withGroups) / members.Length, null);
        GC.KeepAlive(groups);
        GC.KeepAlive(members);

        void Add(string name, long bytes)
        {
            long each = bytes / members.Length;
            report.AddChecked(each <= MemberBytesMax, name, each, MemberBytesMax);
        }
    }

    private static async Task UseAsync(ThrottleGroupMember[] members)
    {
        foreach (ThrottleGroup group in members.Select(member => member.Group).Distinct())
        {
            group.SetConfig(new ThrottleConfig { IopsTotal = new ThrottleLimits(100_000), BurstWindowMs = 0 });
        }

        foreach (ThrottleGroupMember[] part in members.Chunk(MemberCount))
        {
            await Task.WhenAll(part.SelectMany(member => Enumerable.Range(0, WaiterCount).Select(_ => member.WaitAsync(ThrottleDirection.Read, 512).AsTask())));
        }
    }
}
