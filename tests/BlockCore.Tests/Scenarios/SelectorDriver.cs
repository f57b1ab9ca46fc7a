using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Tests.Scenarios;

/// <summary>A node over two children that writes to the selected one alone, and excludes other writers there.</summary>
internal sealed class SelectorDriver : BlockDriver
{
    /// <summary>The name of the child that is selected.</summary>
    public string Selected { get; set; } = "a";

    public override string Name => "selector";

    public override string Summary => "writes to one of two children, for tests";

    public override DriverCategory Category => DriverCategory.Composite;

    public override OptionSchema Options { get; } = new(
        new OptionDefinition("a", OptionType.Child, "one child") { IsRequired = true },
        new OptionDefinition("b", OptionType.Child, "the other") { IsRequired = true });

    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        await context.OpenChildAsync("a", ChildRole.Data | ChildRole.Primary);
        await context.OpenChildAsync("b", ChildRole.Data);
        return new Instance(this);
    }

    private sealed class Instance(SelectorDriver driver) : BlockDriverInstance
    {
        private BlockChild Child => Node.FindChild(driver.Selected)!;

        protected internal override long GetLengthBytes() => Node.FindChild("a")!.LengthBytes;

        protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => Child.ReadAsync(offset, buffer, flags, cancel);

        protected internal override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => Child.WriteAsync(offset, buffer, flags, cancel);

        protected internal override PermissionSet GetChildPermissions(ChildPermissionRequest request) => request.Child.Name == driver.Selected
            ? new PermissionSet(BlockPermissions.Write, BlockPermissions.All & ~BlockPermissions.Write)
            : PermissionSet.Unused;
    }
}
