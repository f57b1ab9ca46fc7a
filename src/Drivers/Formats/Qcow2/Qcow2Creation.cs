using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>Makes one new image.</summary>
internal sealed class Qcow2Creation(CreateContext context, Qcow2CreateOptions options)
{
    /// <summary>Makes the image.</summary>
    /// <returns>False where something was there under the name.</returns>
    public async Task<bool> RunAsync(CancellationToken cancel)
    {
        Qcow2Layout layout = new(options.CreateHeaderArea());
        context.Step("create qcow2 file");
        bool isNew = await context.CreateFileAsync(0, cancel);
        context.Step("open qcow2 file");
        await using CreatedFile file = await context.OpenFileAsync(cancel);
        context.Step("write qcow2 image");

        // The header last: until then it is no image.
        await file.SetLengthAsync(layout.LengthBytes, PreallocationMode.Off, cancel);
        await file.WriteAsync(layout.TableOffset, layout.Table, cancel);
        await file.WriteAsync(layout.BlocksOffset, layout.Blocks, cancel);
        await file.WriteAsync(0, layout.Head, cancel);
        context.Step("close qcow2 file");
        return isNew;
    }
}
