namespace BlockGraph.BlockCore.DriverModel;

/// <summary>A file that would be opened because an image names it, and not because a user does.</summary>
/// <param name="ImageName">The image, as a person knows it.</param>
/// <param name="Option">What the image names it as, and the option that would name it instead: <c>backing</c>, <c>data-file</c>.</param>
/// <param name="Name">The name, as the image has it.</param>
/// <param name="FullName">The same as it is found from here: a relative name lies beside the image.</param>
/// <param name="Driver">The driver that the image wants for it; null where it names none, or one that is not known.</param>
public sealed record ImplicitOpen(string ImageName, string Option, string Name, string FullName, BlockDriver? Driver);
