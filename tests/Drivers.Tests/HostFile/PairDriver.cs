using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>A node over two children, the smallest graph in which one child agrees to a change and the other refuses it.</summary>
internal sealed class PairDriver : BlockDriver
{
    /// <inheritdoc/>
    public override string Name => "pair";

    /// <inheritdoc/>
    public override string Summary => "reads and writes its first child, for tests";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Composite;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(
        new OptionDefinition("a", OptionType.Child, "one child") { IsRequired = true },
        new OptionDefinition("b", OptionType.Child, "the other") { IsRequired = true });

    /// <inheritdoc/>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        BlockChild a = await context.OpenChildAsync("a", ChildRole.Data | ChildRole.Primary);
        await context.OpenChildAsync("b", ChildRole.Data);
        return new Instance(a);
    }

    private sealed class Instance(BlockChild a) : BlockDriverInstance
    {
        protected internal override long GetLengthBytes() => a.LengthBytes;

        protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => a.ReadAsync(offset, buffer, flags, cancel);

        protected internal override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => a.WriteAsync(offset, buffer, flags, cancel);

        protected internal override PermissionSet GetChildPermissions(ChildPermissionRequest request) => request.Users;
    }
}
