using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Tests.Scenarios;

/// <summary>A filter that is opened without any child; the test attaches what it likes. It needs of each child what <paramref name="needs"/> says.</summary>
internal sealed class LooseDriver(string name, Func<PermissionSet, PermissionSet> needs) : BlockDriver
{
    /// <summary>Every call of a drain hook, as <c>verb node</c>, in order.</summary>
    public List<string> Log { get; } = [];

    /// <summary>Called from the hook of a drain's beginning with the node's name.</summary>
    public Action<string>? OnDrainBegin { get; set; }

    public static LooseDriver PassThrough() => new("loose", users => users);

    public static LooseDriver NoPermission() => new("loose-none", _ => PermissionSet.Unused);

    public static LooseDriver ExclusiveWriter() => new("loose-exclusive", _ => new PermissionSet(BlockPermissions.Write, BlockPermissions.All & ~BlockPermissions.Write));

    public override string Name => name;

    public override string Summary => "a filter without a child, for tests";

    public override DriverCategory Category => DriverCategory.Filter;

    public override OptionSchema Options { get; } = new(new OptionDefinition("size", OptionType.Size, "its length while it has no child") { Default = "1M" });

    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) =>
        Task.FromResult<BlockDriverInstance>(new Instance(this, context.Options.GetSize("size")));

    private sealed class Instance(LooseDriver driver, long lengthBytes) : BlockDriverInstance
    {
        protected internal override long GetLengthBytes() => Node.FilteredChild?.LengthBytes ?? lengthBytes;

        protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
            Node.FilteredChild is { } child ? child.ReadAsync(offset, buffer, flags, cancel) : default;

        protected internal override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
            Node.FilteredChild is { } child ? child.WriteAsync(offset, buffer, flags, cancel) : default;

        protected internal override PermissionSet GetChildPermissions(ChildPermissionRequest request) => driver.Needs(request.Users);

        protected internal override void DrainBegin()
        {
            driver.Log.Add($"begin {Node.Name}");
            driver.OnDrainBegin?.Invoke(Node.Name);
        }

        protected internal override void DrainEnd() => driver.Log.Add($"end {Node.Name}");
    }

    private PermissionSet Needs(PermissionSet users) => needs(users);
}
