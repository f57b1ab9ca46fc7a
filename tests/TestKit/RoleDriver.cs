using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.TestKit;

/// <summary>
/// A format whose <c>file</c> child has the role that the option says, with an optional <c>backing</c> child. It keeps a log
/// of what the core does to its permissions and options, and refuses either on request.
/// </summary>
public sealed class RoleDriver : BlockDriver
{
    /// <summary>Every call of a permission hook, as <c>verb node</c>, in order.</summary>
    public List<string> Log { get; } = [];

    /// <summary>The name of the node that refuses whatever permissions it is asked to check; null for none.</summary>
    public string? RefusingNode { get; set; }

    /// <summary>The name of the node that refuses whatever options it is reopened with; null for none.</summary>
    public string? RefusingReopen { get; set; }

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <inheritdoc/>
    public override string Name => "any-role";

    /// <inheritdoc/>
    public override string Summary => "a format with a child of any role, for tests";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Format;

    /// <inheritdoc/>
    public override bool SupportsBacking => true;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(
        new OptionDefinition("file", OptionType.Child, "the child") { IsRequired = true },
        new OptionDefinition("backing", OptionType.Child, "the child below"),
        new OptionDefinition("second", OptionType.Child, "another child of no role"),
        new OptionDefinition("role", OptionType.Enum, "the role of the file child") { Default = "image", AllowedValues = ["image", "data", "metadata", "filtered"] },
        new OptionDefinition("label", OptionType.String, "what a reopen may change") { Default = "none", IsMutable = true });

    /// <inheritdoc/>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        ChildRole role = context.Options.GetString("role") switch
        {
            "data" => ChildRole.Data | ChildRole.Primary,
            "metadata" => ChildRole.Metadata | ChildRole.Primary,
            "filtered" => ChildRole.Filtered | ChildRole.Primary,
            _ => ChildRole.Image,
        };
        BlockChild file = await context.OpenChildAsync("file", role);
        await context.OpenOptionalChildAsync("backing", ChildRole.Cow);
        await context.OpenOptionalChildAsync("second", ChildRole.None);
        return new RoleInstance(file, this, context.Options.GetString("label")!);
    }

    /// <summary>One node of a <see cref="RoleDriver"/>.</summary>
    public sealed class RoleInstance : BlockDriverInstance
    {
        private readonly BlockChild _file;
        private readonly RoleDriver _driver;

        internal RoleInstance(BlockChild file, RoleDriver driver, string label)
        {
            _file = file;
            _driver = driver;
            Label = label;
        }

        /// <summary>The option <c>label</c> in effect.</summary>
        public string Label { get; private set; }

        /// <inheritdoc/>
        protected override long GetLengthBytes() => _file.LengthBytes;

        /// <inheritdoc/>
        protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => _file.ReadAsync(offset, buffer, flags, cancel);

        /// <inheritdoc/>
        protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => _file.WriteAsync(offset, buffer, flags, cancel);

        /// <inheritdoc/>
        protected override void CheckPermissions(PermissionSet users, ReopenContext? reopen)
        {
            _driver.Log.Add($"check {Node.Name}");
            if (_driver.RefusingNode == Node.Name)
            {
                throw new BlockException(BlockErrorKind.Locked, $"Node '{Node.Name}' refuses");
            }
        }

        /// <inheritdoc/>
        protected override void CommitPermissions(PermissionSet users) => _driver.Log.Add($"commit {Node.Name}");

        /// <inheritdoc/>
        protected override void AbortPermissions() => _driver.Log.Add($"abort {Node.Name}");

        /// <inheritdoc/>
        protected override Task PrepareReopenAsync(ReopenContext reopen, CancellationToken cancel)
        {
            ArgumentNullException.ThrowIfNull(reopen);
            _driver.Log.Add($"prepare reopen {Node.Name}");
            if (_driver.RefusingReopen == Node.Name)
            {
                throw new BlockException($"Node '{Node.Name}' will not be reopened");
            }

            reopen.State = reopen.CreateReader().GetString("label");
            return Task.CompletedTask;
        }

        /// <inheritdoc/>
        protected override void CommitReopen(ReopenContext reopen)
        {
            ArgumentNullException.ThrowIfNull(reopen);
            _driver.Log.Add($"commit reopen {Node.Name}");
            Label = (string)reopen.State!;
        }

        /// <inheritdoc/>
        protected override void AbortReopen(ReopenContext reopen) => _driver.Log.Add($"abort reopen {Node.Name}");
    }
}
